import type { EgressResponse } from "../../guardrails/egress/egress.ts";
import { retryAfterMs } from "../../retry/retry_after.ts";
import { ProviderError } from "../provider_error.ts";
import type { GoogleService } from "./settings.ts";

const NAMES: Readonly<Record<GoogleService, string>> = {
  drive: "Google Drive",
  gmail: "Gmail",
  calendar: "Google Calendar",
};

const TOO_OFTEN =
  /^(rate|userRate|sharingRate|dailyRate)LimitExceeded$|^(quota|dailyLimit|concurrentLimit)Exceeded$/;
const NO_SCOPE = /^(insufficientPermissions|insufficientScopes|ACCESS_TOKEN_SCOPE_INSUFFICIENT)$/;
const NOT_ENABLED = /^(accessNotConfigured|SERVICE_DISABLED)$/;
/** How Gmail says when to come back, in the middle of a sentence. */
const RETRY_AT = /Retry after (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/;

/** What was asked, as far as it decides what an error means. */
export interface Asked {
  service: GoogleService;
  /** Whether the request carried a page token or sync token: a 400 then means that this one is not good any more. */
  hasToken: boolean;
}

/** The name of a service for people. */
export function nameOf(service: GoogleService): string {
  return NAMES[service];
}

/**
 * What an answer that is no success means. Google's own sentence is left out: it may name an account. Its reason, a short
 * word, is kept as `providerCode`: "notFound" lets a caller tell what is gone.
 *
 * @param nowMs - to turn an instant Google names into a wait.
 */
export function errorOf(asked: Asked, response: EgressResponse, nowMs: number): ProviderError {
  const { status, headers } = response;
  const { reason, message } = failureIn(response);
  const name = NAMES[asked.service];
  const failure = (errorClass: ProviderError["errorClass"], sentence: string, waitMs: number | null = null) =>
    new ProviderError(errorClass, sentence, { retryAfterMs: waitMs, providerCode: reason });
  if (status === 429 || (status === 403 && TOO_OFTEN.test(reason ?? ""))) {
    const waitMs = retryAfterMs(headers, nowMs) ?? waitUntil(message, nowMs);
    return failure("rate_limited", `${name} was asked too often; the next requests wait.`, waitMs);
  }
  switch (status) {
    case 400:
      return badRequest(asked, failure, reason);
    case 401:
      return failure(
        "reconnect_needed",
        "Google refused the access: it expired or was withdrawn. Connect the account again.",
      );
    case 403:
      return failure(...forbidden(asked.service, reason));
    case 404:
      return failure(
        "misconfigured",
        `${name} has nothing by the identifier that the settings name, or does not show it to this account.`,
      );
    case 410:
      return failure(
        "cursor_expired",
        `${name} does not know the checkpoint any more; everything is read anew.`,
      );
  }
  if (status >= 500 || status === 408) {
    return failure("transient", `${name} could not answer (status ${status}).`, retryAfterMs(headers, nowMs));
  }
  return failure("malformed_answer", `${name} answered with the unexpected status ${status}.`);
}

type Failure = (errorClass: ProviderError["errorClass"], sentence: string) => ProviderError;

function badRequest({ service, hasToken }: Asked, failure: Failure, reason: string | null): ProviderError {
  const name = NAMES[service];
  if (hasToken) {
    return failure(
      "cursor_expired",
      `${name} does not take the checkpoint any more; everything is read anew.`,
    );
  }
  if (reason === "failedPrecondition") {
    return failure(
      "misconfigured",
      `This Google account has no ${name}. Connect an account that has it, or take it out of the settings.`,
    );
  }
  return failure("misconfigured", `${name} refused the request; the settings may name what does not exist.`);
}

function forbidden(service: GoogleService, reason: string | null): [ProviderError["errorClass"], string] {
  const name = NAMES[service];
  if (NOT_ENABLED.test(reason ?? "")) {
    return [
      "misconfigured",
      `The API of ${name} is not enabled in the Google Cloud project; enable it there.`,
    ];
  }
  if (NO_SCOPE.test(reason ?? "")) {
    return [
      "permission_missing",
      `The grant does not include ${name}. Connect the account again and tick every box.`,
    ];
  }
  if (reason === "domainPolicy") {
    return [
      "permission_missing",
      `The organisation's administrator does not let apps read ${name}; ask them to allow this one.`,
    ];
  }
  return ["permission_missing", `Google does not let this account read that from ${name}.`];
}

/** Google's short word and its sentence, from either form of its errors. */
function failureIn(response: EgressResponse): { reason: string | null; message: string } {
  try {
    const { error } = JSON.parse(new TextDecoder().decode(response.body)) as {
      error?: {
        message?: unknown;
        status?: unknown;
        errors?: { reason?: unknown }[];
        details?: { reason?: unknown }[];
      };
    };
    const detail = error?.details?.find(({ reason }) => typeof reason === "string")?.reason;
    const reason = error?.errors?.[0]?.reason ?? detail ?? error?.status;
    return {
      reason: typeof reason === "string" && /^\w{1,60}$/.test(reason) ? reason : null,
      message: typeof error?.message === "string" ? error.message : "",
    };
  } catch {
    return { reason: null, message: "" };
  }
}

function waitUntil(message: string, nowMs: number): number | null {
  const instant = RETRY_AT.exec(message)?.[1];
  return instant === undefined ? null : Math.min(Math.max(0, Date.parse(instant) - nowMs), 24 * 60 * 60_000);
}
