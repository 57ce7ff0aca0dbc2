import type { Fault } from "../faults.ts";

/** What one of Google's errors says; what is left out is not in the body. */
export interface GoogleFailure {
  code: number;
  message: string;
  reason: string;
  domain?: string;
  /** google.rpc.Code, with the newer services. */
  status?: string;
  location?: string;
  locationType?: "parameter" | "header";
  headers?: Record<string, string>;
}

/** Thrown inside of a simulator and answered as Google does. */
export class Refusal extends Error {
  constructor(readonly failure: GoogleFailure) {
    super(failure.message);
  }
}

/** `{"error": {code, message, errors: [...], status}}`, with the same status. */
export function failed(failure: GoogleFailure): Response {
  const { code, message, reason, domain = "global", status, location, locationType, headers = {} } = failure;
  const inner = { message, domain, reason, ...location && { location, locationType } };
  const error = { code, message, errors: [inner], ...status && { status } };
  return answered({ error }, code, headers);
}

/** JSON as Google sends it. */
export function answered(value: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json; charset=UTF-8", ...headers },
  });
}

/** A parameter that Google does not take. */
export function invalidParameter(location: string, message = "Invalid Value", reason = "invalid"): Refusal {
  return new Refusal({ code: 400, message, reason, location, locationType: "parameter" });
}

export const notFound = (what: string) =>
  new Refusal({ code: 404, message: what, reason: "notFound", status: "NOT_FOUND" });

/** 401, as for a token that ended or never was. */
export function unauthenticated(): Refusal {
  return new Refusal({
    code: 401,
    message: "Request had invalid authentication credentials. Expected OAuth 2 access token.",
    reason: "authError",
    status: "UNAUTHENTICATED",
    location: "Authorization",
    locationType: "header",
    headers: { "www-authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"' },
  });
}

/** 403 for a token that lacks the service's scope. */
export function lacksScope(): Refusal {
  return new Refusal({
    code: 403,
    message: "Request had insufficient authentication scopes.",
    reason: "insufficientPermissions",
    status: "PERMISSION_DENIED",
  });
}

/** 429 with the wait Google asks for. */
export function tooManyRequests(retryAfterSeconds: number): Fault {
  return {
    kind: "answer",
    response: () =>
      failed({
        code: 429,
        message: "Too many requests",
        reason: "rateLimitExceeded",
        domain: "usageLimits",
        status: "RESOURCE_EXHAUSTED",
        headers: { "retry-after": String(retryAfterSeconds) },
      }),
  };
}

/** 403 that means "too often" as well: Drive's way. */
export function userRateLimited(): Fault {
  return {
    kind: "answer",
    response: () =>
      failed({
        code: 403,
        message: "User Rate Limit Exceeded",
        reason: "userRateLimitExceeded",
        domain: "usageLimits",
      }),
  };
}

/** A 403 or another status with a reason of one's own. */
export function refusal(code: number, reason: string, message = reason): Fault {
  return { kind: "answer", response: () => failed({ code, message, reason, status: "PERMISSION_DENIED" }) };
}
