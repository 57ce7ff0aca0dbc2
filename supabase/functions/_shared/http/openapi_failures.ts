import { ERROR_CODES, type ErrorCode, type ErrorStatus } from "../errors/codes.ts";
import { type AnyRoute, isForPeople } from "./route.ts";

/** The codes a route may answer with one status, under a name that is the same for the same codes. */
export interface Failures {
  status: ErrorStatus;
  name: string;
  codes: ErrorCode[];
}

/** What a route may answer when something is wrong, by status. */
export function failuresOf(route: AnyRoute): Failures[] {
  const byStatus = Map.groupBy(codesOf(route), (code) => ERROR_CODES[code].status);
  return [...byStatus].map(([status, codes]) => ({ status, name: codes.join("."), codes }));
}

/** Every code a route may answer: what follows from its facts, and what it adds itself. */
export function codesOf(route: AnyRoute): ErrorCode[] {
  const codes = new Set<ErrorCode>(["INTERNAL", "UNAVAILABLE", ...route.errors ?? []]);
  const add = (...more: ErrorCode[]) => more.forEach((code) => codes.add(code));
  if (isForPeople(route)) {
    // NOT_FOUND: an org of another tenant is no org.
    add("UNAUTHENTICATED", "MISSING_TENANT_ID", "TENANT_NOT_FOUND", "NOT_FOUND");
    if (route.permission) add("FORBIDDEN");
    if (route.org === "required") add("MISSING_ORG_ID");
  }
  if (route.auth === "service" || route.signature) add("UNAUTHENTICATED");
  if (route.signature) add("RATE_LIMITED");
  if (route.uuidParams?.length) add("NOT_FOUND");
  if (route.body || route.signature) {
    add(
      "MALFORMED_BODY",
      "PAYLOAD_TOO_LARGE",
      "UNSUPPORTED_ENCODING",
      "REQUEST_TIMEOUT",
      "VALIDATION_FAILED",
    );
  }
  if (route.query) add("VALIDATION_FAILED");
  return (Object.keys(ERROR_CODES) as ErrorCode[]).filter((code) => codes.has(code));
}

/** The response component of some codes. */
export function failureResponse(codes: ErrorCode[]): Record<string, unknown> {
  const retryable = codes.some((code) => ERROR_CODES[code].retryable);
  return {
    description: codes.join(" or "),
    headers: {
      "x-request-id": { $ref: "#/components/headers/RequestId" },
      ...(retryable ? { "retry-after": { $ref: "#/components/headers/RetryAfter" } } : {}),
    },
    content: {
      "application/json": {
        schema: {
          allOf: [
            { $ref: "#/components/schemas/Failure" },
            { type: "object", properties: { error_code: { enum: codes } } },
          ],
        },
      },
    },
  };
}
