import type { LosslessJson } from "../json/lossless.ts";

/** A request as the provider sent it. */
export interface SignedRequest {
  method: string;
  /** The public URL the provider was given, including the query it called with. */
  url: string;
  headers: Headers;
  body: Uint8Array<ArrayBuffer>;
}

/** One thing a request tells; becomes one event. */
export interface WebhookElement {
  /** The same for every repetition of the same news, 64 hexadecimal characters. */
  dedupeKey: string;
  /** The provider's name for what happened, at most 100 characters. */
  type: string;
}

/** How one kind of inbound webhook is signed and read. A new one is a file and a line in the registry. */
export interface WebhookScheme {
  provider: string;
  /** Who makes the signing secret: "us", or "them" (the customer pastes the provider's). */
  secretFrom: "us" | "them";
  /** A new secret, for schemes where we make it. */
  generateSecret(): string;
  /**
   * Turns a secret into a key.
   *
   * @throws {TypeError} when the secret is not of the scheme's form.
   */
  importKey(secret: string): Promise<CryptoKey>;
  /** Whether the signature is the key's and the timestamp, where there is one, within the window. Never throws. */
  verify(request: SignedRequest, key: CryptoKey, nowMs: number): Promise<boolean>;
  /**
   * The elements of a verified body.
   *
   * @throws {InterlockError} MALFORMED_BODY.
   */
  elements(request: SignedRequest): Promise<WebhookElement[]>;
}

/** Timestamps further away than this, in either direction, are refused (Standard Webhooks, HubSpot: 5 minutes). */
export const REPLAY_WINDOW_MS = 5 * 60 * 1000;

/** Most elements one request may bring. */
export const MAX_ELEMENTS = 1000;

/** A type name fit for storing: the provider's, with foreign characters replaced and cut to 100; "unknown" for none. */
export function elementType(value: LosslessJson | undefined | null): string {
  if (typeof value !== "string" || value === "") return "unknown";
  return value.slice(0, 100).replaceAll(/[^A-Za-z0-9_.:-]/g, "_");
}
