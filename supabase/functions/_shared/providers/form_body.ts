import type { SignedRequest } from "./webhook_scheme.ts";

/** Whether a request is an HTML form. */
export function isForm(request: SignedRequest): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(request.headers.get("content-type") ?? "");
}

/** The value of a form's field; null when it is missing. */
export function formField(body: Uint8Array, name: string): string | null {
  return new URLSearchParams(new TextDecoder().decode(body)).get(name);
}
