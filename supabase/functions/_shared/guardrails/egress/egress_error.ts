/** Why a request had no answer; a closed list, stored with every delivery attempt. */
export type EgressErrorClass =
  | "url_refused"
  | "address_refused"
  | "dns_failed"
  | "connect_failed"
  | "tls_failed"
  | "timed_out"
  | "protocol_error"
  | "connection_lost";

/** How long each phase took; null where the phase did not happen: a literal address, a kept connection, plain http. */
export interface EgressTiming {
  resolveMs: number | null;
  connectMs: number | null;
  tlsMs: number | null;
  /** From the request being written to the first byte of the answer. */
  firstByteMs: number | null;
  /**
   * Spent on a kept connection that ended without a byte of an answer, after which the request went once more over a new
   * one; null = the request was sent once.
   */
  lostConnectionMs: number | null;
  totalMs: number;
}

/** The timing of a request that has not begun. */
export function newTiming(): EgressTiming {
  return {
    resolveMs: null,
    connectMs: null,
    tlsMs: null,
    firstByteMs: null,
    lostConnectionMs: null,
    totalMs: 0,
  };
}

/**
 * A request that got no answer. The message is one sentence for the person who owns the endpoint: it never says which
 * address a name has, since that would map the inside of our network. The cause is for the log only.
 */
export class EgressError extends Error {
  override readonly name = "EgressError";

  constructor(
    readonly errorClass: EgressErrorClass,
    message: string,
    readonly timing: EgressTiming = newTiming(),
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}
