import { stack } from "./stack.ts";
import type { TestUser } from "./tenant.ts";

/** An answer with its JSON. */
export interface Answer {
  status: number;
  headers: Headers;
  // deno-lint-ignore no-explicit-any
  body: any;
}

/** Who calls and what for. */
export interface CallOptions {
  method?: string;
  user?: TestUser;
  tenantId?: string;
  orgId?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

/** Calls a function as a browser would, for example `call("integrations/webhooks", { user })`. */
export async function call(path: string, options: CallOptions = {}): Promise<Answer> {
  return await request(`${stack.apiUrl}/functions/v1/${path}`, options);
}

/** Calls PostgREST, for example `rest("crm_contacts?select=id", { user })`. */
export async function rest(path: string, options: CallOptions = {}): Promise<Answer> {
  return await request(`${stack.apiUrl}/rest/v1/${path}`, options);
}

async function request(url: string, options: CallOptions): Promise<Answer> {
  const headers: Record<string, string> = { apikey: stack.publishableKey, ...options.headers };
  if (options.user) headers.authorization = `Bearer ${options.user.token}`;
  if (options.tenantId) headers["x-workspace-id"] = options.tenantId;
  if (options.orgId) headers["x-org-id"] = options.orgId;
  if (options.body !== undefined) headers["content-type"] = "application/json";
  const response = await fetch(url, {
    method: options.method ?? (options.body === undefined ? "GET" : "POST"),
    headers,
    body: options.body === undefined ? undefined : JSON.stringify(options.body),
    redirect: "manual",
  });
  const text = await response.text();
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // Left as text.
  }
  return { status: response.status, headers: response.headers, body };
}
