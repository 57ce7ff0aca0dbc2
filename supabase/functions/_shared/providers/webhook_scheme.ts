import type { z } from "zod";

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

/** A request of the provider's kind that verifies, made by us. */
export interface SampleRequest {
  method: "POST";
  url: string;
  headers: Record<string, string>;
  body: Uint8Array<ArrayBuffer>;
}

/** What a scheme must know besides the secret, by name. Never a secret. */
export type WebhookSettings = Record<string, unknown>;

/** What a scheme verifies with: an HmacKey, or whatever it made of secret and settings. Only the scheme looks inside. */
export type WebhookKey = object;

/**
 * How one kind of inbound webhook is signed and read: data, and one function for each question the receiver asks. A new
 * one is a folder with this in it and a line in the manifest.
 */
export interface SchemeDefinition<Settings, Key> {
  provider: string;
  /** Who makes the secret: "us", "them" (the customer pastes the provider's), or "nobody": it works without one. */
  secretFrom: "us" | "them" | "nobody";
  /** The schema of its settings; it parses `{}` unless something must be given. Called at most once per process. */
  settings(): z.ZodType<Settings>;
  /** Settings that pass the schema: for the key that stands for an unknown webhook, and as an example. */
  exampleSettings: WebhookSettings;
  /** A new secret of the scheme's form: where we make it, and for the key that stands for an unknown webhook. */
  generateSecret(): string;
  /** Why this hub cannot have such webhooks, as a sentence; null when it can. */
  obstacle?(): string | null;
  /**
   * Turns a secret into what verifies.
   *
   * @throws {TypeError} when the secret is not of the scheme's form.
   */
  importKey(secret: string, settings: Settings): Promise<Key>;
  /**
   * Whether the signature is the key's and the timestamp, where there is one, within the window.
   *
   * @throws {InterlockError} UNAVAILABLE when the provider's public keys cannot be had, and nothing else.
   */
  verify(request: SignedRequest, key: Key, nowMs: number): Promise<boolean>;
  /**
   * The elements of a verified body.
   *
   * @throws {InterlockError} MALFORMED_BODY.
   */
  elements(request: SignedRequest, settings: Settings): Promise<WebhookElement[]>;
  /** The answer to a verified request that asks whether the address is ours; null = it tells news. */
  handshake?(request: SignedRequest): Response | null;
  /**
   * The answer to a question that the provider asks without any credential; null = it is none. Rests on nothing but the
   * request, so that it says nothing about the webhook it is addressed to.
   */
  openAnswer?(request: SignedRequest): Response | null;
  /** What the provider wants to hear once all is stored. Default: our own JSON. */
  acknowledgement?(): Response;
  /** The body as it may be stored, where the secret stands in it. */
  withoutSecret?(body: Uint8Array<ArrayBuffer>, key: Key): Uint8Array<ArrayBuffer>;
  /** What the provider is given in place of the plain address; the secret is null where it is not at hand. */
  addressFor?(url: string, secret: string | null, settings: Settings): string;
  /** The word the provider sends back when it checks the address, for providers that ask for one. */
  verifyToken?(secret: string): Promise<string>;
  /**
   * A request to `url` as the provider would send it, with news that nobody has told before; null where the signing
   * key is not ours.
   */
  sample(secret: string, settings: Settings, nowMs: number, url: string): Promise<SampleRequest> | null;
}

/** A scheme whose settings and keys are its own affair. */
export type WebhookScheme = SchemeDefinition<WebhookSettings, WebhookKey>;

/** Defines a scheme; its functions see the types of its own settings and key. */
export function defineScheme<Settings extends WebhookSettings, Key extends WebhookKey>(
  definition: SchemeDefinition<Settings, Key>,
): WebhookScheme {
  let schema: z.ZodType<Settings> | undefined;
  return { ...definition, settings: () => schema ??= definition.settings() } as WebhookScheme;
}

/** Timestamps further away than this, in either direction, are refused (Standard Webhooks, HubSpot: 5 minutes). */
export const REPLAY_WINDOW_MS = 5 * 60 * 1000;

/** Most elements one request may bring. */
export const MAX_ELEMENTS = 1000;

/** A type name fit for storing: the provider's, with foreign characters replaced and cut to 100; "unknown" for none. */
export function elementType(value: unknown): string {
  if (typeof value !== "string" || value === "") return "unknown";
  return value.slice(0, 100).replaceAll(/[^A-Za-z0-9_.:-]/g, "_");
}
