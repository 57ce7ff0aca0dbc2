import type {
  SampleRequest,
  SignedRequest,
  WebhookElement,
  WebhookKey,
  WebhookScheme,
} from "./webhook_scheme.ts";

/** What of a request is the news of one account. */
export interface AccountShare {
  /** As the provider names the account; null = nobody is named. */
  accountId: string | null;
  /** As if the request had brought nothing else; byte for byte the provider's where that is so. */
  body: Uint8Array<ArrayBuffer>;
  elements: WebhookElement[];
}

/**
 * An app that posts the news of all of its customers to one URL, signed with one secret: what the scheme of its provider
 * does not know, namely whose news it is.
 */
export interface WebhookApp {
  scheme: WebhookScheme;
  /** The app's secrets in the configuration, the newest first; empty = this hub has no such app. */
  secrets(): string[];
  /** What a request has to be verified with. The request is not verified yet. */
  keyFor(secret: string, request: SignedRequest): Promise<WebhookKey>;
  /**
   * A verified request, by account.
   *
   * @throws {InterlockError} MALFORMED_BODY.
   */
  shares(request: SignedRequest): Promise<AccountShare[]>;
  /** A request with news of one account, as the provider would send it. */
  sample(secret: string, accountId: string, nowMs: number, url: string): Promise<SampleRequest>;
}

/** Imports keys of a scheme without settings once for each of its few secrets. */
export function rememberedKeys(scheme: WebhookScheme): (secret: string) => Promise<WebhookKey> {
  const known = new Map<string, Promise<WebhookKey>>();
  return (secret) => {
    const key = known.get(secret) ?? scheme.importKey(secret, {});
    known.set(secret, key);
    return key;
  };
}
