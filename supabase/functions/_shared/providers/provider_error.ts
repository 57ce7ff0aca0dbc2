/**
 * What went wrong at a provider, by what can be done about it: a closed list, kept with runs and logs. Programs branch on
 * it; docs/syncs.md says of each what a person does.
 */
export const PROVIDER_ERROR_CLASSES = [
  /** The credentials are refused or the grant is gone: somebody connects again. */
  "reconnect_needed",
  /** The credentials are good, and may not do this: a scope or a right is missing. */
  "permission_missing",
  /** Settings name what is not there (a channel, a folder, a database, an address), or ask for more than we can take. */
  "misconfigured",
  /** This message or record is refused, and always will be. */
  "input_refused",
  /** Asked too often: wait `retryAfterMs`. */
  "rate_limited",
  /** May pass by itself: a 5xx, a lost connection, a time-out. */
  "transient",
  /** The answer is not what the provider documents. May pass as well. */
  "malformed_answer",
  /** The checkpoint is not valid any more: everything is read anew. */
  "cursor_expired",
] as const;

export type ProviderErrorClass = typeof PROVIDER_ERROR_CLASSES[number];

/** What a provider wrote may be part of both: controls, and halves of a character, which the database takes in no text. */
const plain = (text: string) => text.replaceAll(/[\p{Cc}\p{Cs}]+/gu, "");

/** A failure at a provider. Its message is a sentence for the tenant's admins: no secret, no traceback, no personal data. */
export class ProviderError extends Error {
  /** How long the provider asks to wait; null = it does not say. */
  readonly retryAfterMs: number | null;
  /** The provider's own name for it, such as `channel_not_found` or `invalid_grant`; null = it has none. */
  readonly providerCode: string | null;

  constructor(
    readonly errorClass: ProviderErrorClass,
    message: string,
    options: { retryAfterMs?: number | null; providerCode?: string | null; cause?: unknown } = {},
  ) {
    super(plain(message), { cause: options.cause });
    this.name = "ProviderError";
    this.retryAfterMs = options.retryAfterMs ?? null;
    const { providerCode = null } = options;
    this.providerCode = providerCode === null ? null : plain(providerCode);
  }

  /** Whether the same request may do better later. */
  get isPassing(): boolean {
    return ["rate_limited", "transient", "malformed_answer"].includes(this.errorClass);
  }
}
