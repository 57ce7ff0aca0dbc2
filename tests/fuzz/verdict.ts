import type { z } from "zod";
import { ERROR_CODES, type ErrorCode } from "../../supabase/functions/_shared/errors/codes.ts";
import { codesOf } from "../../supabase/functions/_shared/http/openapi_failures.ts";
import type { AnyRoute, RouteResponse } from "../../supabase/functions/_shared/http/route.ts";
import type { FuzzRequest } from "./fuzz_request.ts";
import type { RawAnswer } from "../support/raw_http.ts";

/** What an HTTP server may say of a request it cannot read. */
const EARLY_STATUSES = [0, 400, 404, 405, 408, 413, 414, 417, 431, 499, 501];

/** Signs of the inside in an answer: a stack, a path, a statement, a word of the database. */
const INSIDES = [
  /\n\s+at |\.ts:\d+|node_modules|file:\/\/\/|_shared\//,
  /\b(select|insert|update|delete)\b[^.]{0,80}\b(from|into|set|where)\b/i,
  /SQLSTATE|PGRST|postgres|violates|relation "|column "|syntax for type|operator does not exist|pg_/i,
];

const answerSchemas = new Map<AnyRoute, z.ZodType>();

/** Why an answer is not acceptable; null when it is. */
export function faultOf(route: AnyRoute, request: FuzzRequest, answer: RawAnswer): string | null {
  const { status } = answer;
  if (status >= 500) return `answered ${status}`;
  // Who stops in the midst of a request may get half an answer.
  if (request.closesAfterwards && parsed(answer.text) === null) return null;
  const ours = answer.headers.has("x-request-id");
  if (request.mayEndEarly && !ours && EARLY_STATUSES.includes(status)) return null;
  if (status === 0) return "closed the connection without an answer";
  if (!ours) return `answered ${status} without x-request-id`;
  if (request.method === "OPTIONS" && status === 204) return null;
  if (status === 302 && route.response?.form === "redirect") {
    // What was sent elsewhere may have come here all the same.
    if (request.mayGoAstray) return null;
    return faultOfSuccess(route, request, { ...answer, text: answer.headers.get("location") ?? "" });
  }
  if (status >= 200 && status < 300) return faultOfSuccess(route, request, answer);
  if (status < 400) return `answered ${status}, which no route does`;
  return request.method === "HEAD" ? null : faultOfRefusal(route, request, answer);
}

function faultOfRefusal(route: AnyRoute, request: FuzzRequest, answer: RawAnswer): string | null {
  const body = parsed(answer.text);
  const keys = Object.keys(body ?? {}).filter((key) => key !== "details").sort().join();
  if (keys !== "error,error_code,request_id") return `refused with a body that has ${keys || "no keys"}`;
  const { error, error_code: code, request_id: requestId } = body as Record<string, unknown>;
  if (typeof error !== "string" || error === "") return "refused without a sentence";
  if (requestId !== answer.headers.get("x-request-id")) return "refused with two request ids";
  if (!(String(code) in ERROR_CODES)) return `refused with the unknown code ${code}`;
  if (ERROR_CODES[code as ErrorCode].status !== answer.status) {
    return `answered ${code} with ${answer.status}`;
  }
  if (!request.mayGoAstray && !codesOf(route).includes(code as ErrorCode)) {
    return `answered ${code}, which the route does not document`;
  }
  const inside = INSIDES.find((sign) => sign.test(answer.text));
  return inside ? `tells of the inside (${inside})` : null;
}

function faultOfSuccess(route: AnyRoute, request: FuzzRequest, answer: RawAnswer): string | null {
  if (request.mustBeRefused) return `answered ${answer.status} to somebody who has no credentials`;
  if (request.mayGoAstray || !route.response) return null;
  const preview = answer.status === 200 && route.response.status !== 200 ? route.response.preview : undefined;
  if (answer.status !== route.response.status && !preview) {
    return `answered ${answer.status}, which the route does not document`;
  }
  if (route.body && !passes(route.body, request.body)) return "took a body that its schema refuses";
  const schema = preview?.() ?? answerSchemas.get(route) ?? route.response.schema();
  if (!preview) answerSchemas.set(route, schema);
  const resources = resourcesOf(answer.text, route.response.form);
  const wrong = resources.map((resource) => schema.safeParse(resource)).find((result) => !result.success);
  return wrong ? `answered what it does not document: ${wrong.error?.message.slice(0, 300)}` : null;
}

/** What an answer of this form holds: things that each pass the route's schema. */
function resourcesOf(text: string, form: RouteResponse["form"]): unknown[] {
  if (form === "text" || form === "redirect") return [text];
  const body = parsed(text);
  return form === "list" ? (body as { data: unknown[] } | null)?.data ?? [null] : [body];
}

function passes(schema: z.ZodType, body: Uint8Array | null): boolean {
  try {
    return schema.safeParse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body ?? undefined)))
      .success;
  } catch {
    return false;
  }
}

function parsed(text: string): object | null {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
