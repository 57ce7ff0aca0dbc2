import { generateKeyPairSync, sign } from "node:crypto";
import { Buffer } from "node:buffer";
import { type GoogleIdentity, pushClaims } from "../../simulators/google/identity.ts";
import { sendgridAccount, sendgridEvent } from "../../simulators/sendgrid/events.ts";
import type {
  SampleRequest,
  SignedRequest,
  WebhookScheme,
  WebhookSettings,
} from "../../supabase/functions/_shared/providers/webhook_scheme.ts";
import { webhookSchemes } from "./schemes.ts";

/** Where a request carries what proves its sender. */
export interface CredentialPlace {
  header?: string;
  query?: string;
  /** The credential is somewhere in the body. */
  body?: true;
}

/** A sender of one kind: its secret, and how it makes a request. */
export interface Sender {
  provider: string;
  /** Several senders of one provider are told apart by this. */
  what: string;
  scheme: WebhookScheme;
  secret: string;
  settings: WebhookSettings;
  credential: CredentialPlace;
  /** Whether changing the body makes the credential wrong. */
  signsBody: boolean;
  /** Seconds that a signed timestamp may be away from now; null when there is none. */
  windowSeconds: number | null;
  /** A genuine request, made at an instant, with news of its own. */
  send(nowMs: number, url: string): Promise<SampleRequest>;
}

interface Kind {
  what?: string;
  settings?: WebhookSettings;
  credential: CredentialPlace;
  signsBody?: boolean;
  windowSeconds?: number;
  /** The secret and how to send, where a sample cannot be made. */
  sender?: (settings: WebhookSettings) => { secret: string; send: Sender["send"] };
}

const TIMESTAMPED = { header: "x-timestamp", unit: "ms", signed: "{body}|{timestamp}", window_seconds: 60 };

/** What a test must know of every provider beside what its scheme says of itself. A scheme without a line fails. */
function kindsOf(google: GoogleIdentity | null): Record<string, Kind[]> {
  return {
    basic_auth: [{ credential: { header: "authorization" }, signsBody: false }],
    generic_hmac: [
      { credential: { header: "x-signature" } },
      {
        what: " with every setting",
        settings: {
          header: "X-Other-Signature",
          algorithm: "sha512",
          encoding: "base64",
          prefix: "v9=",
          secret_encoding: "hex",
          timestamp: TIMESTAMPED,
          event_id_header: "x-news-id",
          event_type_header: "x-news-type",
        },
        credential: { header: "x-other-signature" },
        windowSeconds: 60,
      },
    ],
    github: [{ credential: { header: "x-hub-signature-256" } }],
    google_channel: [{ credential: { header: "x-goog-channel-token" }, signsBody: false }],
    google_pubsub: [{
      credential: { header: "authorization" },
      signsBody: false,
      sender: (settings) => ({ secret: "0".repeat(32), send: pushedBy(google, settings) }),
    }],
    hubspot: [{ credential: { header: "x-hubspot-signature-v3" }, windowSeconds: 300 }],
    meta: [{ credential: { header: "x-hub-signature-256" } }],
    microsoft_graph: [{ credential: { body: true }, signsBody: false }],
    none: [{
      credential: { header: "x-forwarded-for" },
      signsBody: false,
      settings: { allowed_addresses: ["203.0.113.7", "127.0.0.1"] },
      sender: () => ({ secret: "0".repeat(32), send: fromAddress }),
    }],
    salesforce: [{ credential: { query: "token" }, signsBody: false }],
    sendgrid: [{
      credential: { header: "x-twilio-email-event-webhook-signature" },
      windowSeconds: 25 * 3600,
      sender: sendgrid,
    }],
    shopify: [{ credential: { header: "x-shopify-hmac-sha256" } }],
    slack: [{ credential: { header: "x-slack-signature" }, windowSeconds: 300 }],
    standard_webhooks: [
      { credential: { header: "webhook-signature" }, windowSeconds: 300 },
      { what: " v1a", credential: { header: "webhook-signature" }, windowSeconds: 300, sender: ed25519 },
    ],
    stripe: [{ credential: { header: "stripe-signature" }, windowSeconds: 300 }],
    token: [
      { credential: { header: "x-webhook-token" }, signsBody: false },
      {
        what: " in the address",
        settings: { place: "query", name: "key" },
        credential: { query: "key" },
        signsBody: false,
      },
      {
        what: " in the body",
        settings: { place: "body", name: "Key" },
        credential: { body: true },
        signsBody: false,
      },
    ],
    zenoti: [{ credential: { header: "zenoti-webhook-signature" } }],
    zoho: [{ credential: { body: true }, signsBody: false }],
  };
}

/**
 * Senders of every kind of webhook, those of the registry.
 *
 * @param google - signs for Pub/Sub; without one there is no such sender.
 */
export function allSenders(google: GoogleIdentity | null): Sender[] {
  const kinds = kindsOf(google);
  return [...webhookSchemes.values()].flatMap((scheme) => {
    const { provider } = scheme;
    if (provider === "google_pubsub" && google === null) return [];
    const ofProvider = kinds[provider];
    if (!ofProvider) throw new Error(`${provider} has no line in tests/support/provider_requests.ts`);
    return ofProvider.map((kind) => senderOf(scheme, kind));
  });
}

function senderOf(scheme: WebhookScheme, kind: Kind): Sender {
  const settings = scheme.settings().parse(kind.settings ?? scheme.exampleSettings);
  const own = kind.sender?.(settings);
  const secret = own?.secret ?? scheme.generateSecret();
  return {
    provider: scheme.provider,
    what: `${scheme.provider}${kind.what ?? ""}`,
    scheme,
    secret,
    settings,
    credential: kind.credential,
    signsBody: kind.signsBody ?? true,
    windowSeconds: kind.windowSeconds ?? null,
    send: own?.send ?? (async (nowMs, url) => (await scheme.sample(secret, settings, nowMs, url))!),
  };
}

/** What a receiver makes of a request. */
export function received(request: SampleRequest): SignedRequest {
  return { ...request, headers: new Headers(request.headers) };
}

function post(url: string, content: unknown, headers: Record<string, string>): SampleRequest {
  const body = new TextEncoder().encode(JSON.stringify(content));
  return { method: "POST", url, headers: { "content-type": "application/json", ...headers }, body };
}

function pushedBy(google: GoogleIdentity | null, settings: WebhookSettings): Sender["send"] {
  return (nowMs, url) => {
    const claims = pushClaims(nowMs, url.replace(/\?.*/, ""), String(settings.service_account_email));
    const message = { data: btoa('{"historyId":1}'), messageId: crypto.randomUUID() };
    return Promise.resolve(post(url, { message, subscription: "projects/p/subscriptions/s" }, {
      authorization: `Bearer ${google!.token(claims)}`,
    }));
  };
}

function fromAddress(_: number, url: string): Promise<SampleRequest> {
  const id = crypto.randomUUID();
  return Promise.resolve(post(url, { type: "sample.sent", id }, { "x-forwarded-for": "203.0.113.7" }));
}

function sendgrid(): ReturnType<NonNullable<Kind["sender"]>> {
  const account = sendgridAccount();
  return {
    secret: account.verificationKey,
    send: (nowMs, url) => {
      const sample = post(url, [sendgridEvent(), sendgridEvent({ event: "open" })], {});
      const headers = account.headers(sample.body, String(Math.floor(nowMs / 1000)));
      return Promise.resolve({ ...sample, headers: { ...sample.headers, ...headers } });
    },
  };
}

function ed25519(): ReturnType<NonNullable<Kind["sender"]>> {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const { x } = publicKey.export({ format: "jwk" });
  return {
    secret: `whpk_${Buffer.from(x!, "base64url").toString("base64")}`,
    send: (nowMs, url) => {
      const [id, timestamp] = [crypto.randomUUID(), String(Math.floor(nowMs / 1000))];
      const sample = post(url, { type: "sample.sent" }, {});
      const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), sample.body]);
      const headers = {
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": `v1a,${sign(null, signed, privateKey).toString("base64")}`,
      };
      return Promise.resolve({ ...sample, headers: { ...sample.headers, ...headers } });
    },
  };
}
