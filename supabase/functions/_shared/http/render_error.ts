import { InterlockError, isInterlockError } from "../errors/interlock_error.ts";
import { errorFields, type Logger } from "../log.ts";

/** The one place where a thrown value becomes an answer. 5xx bodies carry nothing of the inside. */
export function renderError(thrown: unknown, requestId: string, log: Logger): Response {
  const error = isInterlockError(thrown)
    ? thrown
    : new InterlockError("INTERNAL", "Something went wrong on our side.", { cause: thrown });
  if (error.status >= 500) {
    log.error("request failed", {
      code: error.code,
      status: error.status,
      ...errorFields(error.cause ?? error),
    });
  } else {
    log.info("request refused", {
      code: error.code,
      status: error.status,
      reason: error.message.slice(0, 200),
    });
  }
  const headers = new Headers({ "x-request-id": requestId });
  if (error.retryAfterMs !== undefined) {
    headers.set("retry-after", String(Math.ceil(error.retryAfterMs / 1000)));
  }
  // So HTTP wants it said which encoding would do.
  if (error.code === "UNSUPPORTED_ENCODING") headers.set("accept-encoding", "identity");
  const body: Record<string, unknown> = {
    error: error.message,
    error_code: error.code,
    request_id: requestId,
  };
  if (error.details && error.status < 500) body.details = error.details;
  return Response.json(body, { status: error.status, headers });
}
