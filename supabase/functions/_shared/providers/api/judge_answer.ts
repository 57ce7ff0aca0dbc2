import type { EgressResponse } from "../../guardrails/egress/egress.ts";
import { ProviderError } from "../provider_error.ts";
import type { RetrySettings } from "./config.ts";
import { meansWait, waitMs } from "./waits.ts";

/** What was asked for, as far as it matters for what a refusal means. */
export interface Asked {
  /** For the sentence, for example "the resource contacts". */
  what: string;
  /** The request named a page that an earlier answer gave. */
  continued: boolean;
}

/**
 * Lets a 2xx pass. Nothing of the answer's body gets into the sentence: it may repeat credentials or hold personal data.
 *
 * @throws {ProviderError} that says what can be done.
 */
export function refuseFailure(
  response: EgressResponse,
  retry: RetrySettings,
  asked: Asked,
  nowMs: number,
): void {
  const { status, headers } = response;
  if (status >= 200 && status < 300) return;
  const fail = (errorClass: ProviderError["errorClass"], sentence: string) => {
    const passes = errorClass === "rate_limited" || errorClass === "transient";
    const retryAfterMs = passes ? waitMs(headers, retry, nowMs) : null;
    throw new ProviderError(errorClass, sentence, { retryAfterMs, providerCode: `http_${status}` });
  };
  if (meansWait(status, headers, retry)) {
    fail("rate_limited", "The API is asked too often; it wants a pause.");
  }
  if (asked.continued && (status === 410 || [400, 404, 422].includes(status))) {
    fail("cursor_expired", `The API does not know the next page of ${asked.what} any more (${status}).`);
  }
  if (status === 401) fail("reconnect_needed", "The API refuses the credentials (401); store valid ones.");
  if (status === 403) {
    fail("permission_missing", `The credentials may not read ${asked.what} (403); grant it at the API.`);
  }
  if (status === 408 || status === 425 || status >= 500) {
    fail("transient", `The API fails at the moment (${status}).`);
  }
  if (status === 404 || status === 410) {
    fail("misconfigured", `The API has no address for ${asked.what} (${status}); check base_url and path.`);
  }
  if (status >= 300 && status < 400) {
    fail("misconfigured", `The API sends ${asked.what} elsewhere (${status}); set base_url to where it is.`);
  }
  fail(
    "misconfigured",
    `The API refuses the request for ${asked.what} (${status}); check method, query and body.`,
  );
}

/**
 * The body's text, whole.
 *
 * @throws {ProviderError} misconfigured when it is too large, malformed_answer when it is no JSON text.
 */
export function textOf(response: EgressResponse, maxBytes: number, what: string): string {
  if (response.truncated) {
    const megabytes = Math.floor(maxBytes / 1_000_000);
    throw new ProviderError(
      "misconfigured",
      `The API answers with more than ${megabytes} MB for ${what}; ask for fewer records a page.`,
    );
  }
  const type = response.headers.get("content-type") ?? "";
  if (/\b(?:text\/html|application\/xhtml\+xml)\b/i.test(type)) {
    throw new ProviderError(
      "malformed_answer",
      `The API answers with a web page instead of JSON for ${what}; check base_url and path.`,
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(response.body);
  } catch (cause) {
    throw new ProviderError("malformed_answer", `The API's answer for ${what} is not UTF-8.`, { cause });
  }
}
