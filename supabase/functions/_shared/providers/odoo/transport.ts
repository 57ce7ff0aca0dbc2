import type { EgressResponse } from "../../guardrails/egress/egress.ts";
import { retryAfterMs } from "../../retry/retry_after.ts";
import { ProviderError } from "../provider_error.ts";
import type { PlainJson } from "../source.ts";

/** Arguments of a method by their names. */
export type Named = { [name: string]: PlainJson };

/** A result, and the server's own clock when it gave it; null = it did not say. */
export interface Answer {
  value: PlainJson;
  servedAtMs: number | null;
}

/**
 * One way to call a method of a model. `domain` is the first parameter of whatever has it.
 *
 * @throws {ProviderError}
 */
export type Transport = (model: string, method: string, named: Named) => Promise<Answer>;

/** The version of a server. */
export interface Version {
  /** As the server writes it, for example "17.0" or "saas~18.2". */
  text: string;
  major: number;
}

/** A version by its text; null when it is none. */
export function versionOf(text: unknown): Version | null {
  const major = typeof text === "string" ? /^\D{0,10}(\d{1,3})\b/.exec(text)?.[1] : undefined;
  return typeof text === "string" && major !== undefined
    ? { text: text.slice(0, 40), major: Number(major) }
    : null;
}

/** An answer that Odoo does not document. */
export function malformed(cause?: unknown): ProviderError {
  return new ProviderError("malformed_answer", "Odoo answered in a form that it does not document.", {
    cause,
  });
}

/** The instant that the server gives an answer, in milliseconds; null when it gives none. */
export function servedAtMs({ headers }: EgressResponse): number | null {
  const ms = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(ms) ? null : ms;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * The text of an answer.
 *
 * @throws {ProviderError} malformed_answer when it is no UTF-8.
 */
export function textOf(response: EgressResponse): string {
  try {
    return utf8.decode(response.body);
  } catch (cause) {
    throw malformed(cause);
  }
}

/**
 * What an answer's status alone says: for those of a proxy, of a wrong address, of a server that is down.
 *
 * @returns null when the status is 2xx.
 */
export function httpFailure({ status, headers }: EgressResponse): ProviderError | null {
  const error = (errorClass: ConstructorParameters<typeof ProviderError>[0], sentence: string) =>
    new ProviderError(errorClass, sentence, {
      providerCode: `http_${status}`,
      retryAfterMs: retryAfterMs(headers, Date.now()),
    });
  if (status === 429) return error("rate_limited", "Odoo takes no more requests for a while.");
  if (status >= 500) {
    return error("transient", `Odoo, or what stands before it, answered with status ${status}.`);
  }
  if (status >= 300 && status < 400) {
    return error(
      "misconfigured",
      "The Odoo server sends to another address; put that one into the settings.",
    );
  }
  if (status === 404) {
    const sentence =
      "There is no Odoo API at this address for this database; check the address and the database's name.";
    return error("misconfigured", sentence);
  }
  if (status === 401 || status === 403) {
    const sentence =
      `Something before Odoo refuses the request with status ${status}; let the hub pass there.`;
    return error("misconfigured", sentence);
  }
  if (status >= 400) {
    return error("malformed_answer", `Odoo answered with status ${status} without saying why.`);
  }
  return null;
}
