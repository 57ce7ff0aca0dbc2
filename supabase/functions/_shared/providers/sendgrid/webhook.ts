import { base64Decode, utf8Bytes } from "../../crypto/encoding.ts";
import { isJsonObject, scalarText, stringifyLossless } from "../../json/lossless.ts";
import { elementsOfList, parseJsonBody } from "../json_body.ts";
import { noSettings } from "../setting_types.ts";
import { isTimely } from "../timestamps.ts";
import { defineScheme } from "../webhook_scheme.ts";
import { rawSignature } from "./der_signature.ts";

const SIGNATURE_HEADER = "x-twilio-email-event-webhook-signature";
const TIMESTAMP_HEADER = "x-twilio-email-event-webhook-timestamp";

/**
 * SendGrid repeats a batch for a day, and nothing says that it signs it anew. Every event in it has an id, so an old
 * batch that is sent again by somebody else stores nothing.
 */
const WINDOW_MS = 25 * 60 * 60 * 1000;

/** A batch is posted at 768 KiB at the latest; an event takes at least 150 bytes of it. */
const MAX_BATCH = 5000;

/** A key for nobody: its private half was thrown away when it was made. Stands for unknown webhooks. */
const NOBODYS_KEY =
  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEFAD4ey7j9WT1aNpzkmem8iTfv9DcPGk9wzArIh5X7TvgQLDJdMEEYLJc6i+UG0K9FaDdIj1IJzM6+KVPpa5Nwg==";

/**
 * SendGrid's signed Event Webhook (twilio.com/docs/sendgrid, "Event Webhook Security Features"): ECDSA P-256 with
 * SHA-256 over `timestamp` and body, in DER and base64. The secret is the verification key, a public one. The body is an
 * array of events.
 */
export const sendgrid = defineScheme<Record<string, never>, CryptoKey>({
  provider: "sendgrid",
  secretFrom: "them",
  settings: noSettings,
  exampleSettings: {},
  generateSecret: () => NOBODYS_KEY,
  importKey: (secret) => publicKey(secret),
  async verify(request, key, nowMs) {
    const timestamp = request.headers.get(TIMESTAMP_HEADER) ?? "";
    const sent = rawSignature(base64Decode(request.headers.get(SIGNATURE_HEADER) ?? ""));
    const start = utf8Bytes(timestamp);
    const signed = new Uint8Array(start.length + request.body.length);
    signed.set(start);
    signed.set(request.body, start.length);
    // A signature that is none is verified all the same: as long as any other.
    const matches = await crypto.subtle.verify(
      { name: "ECDSA", hash: "SHA-256" },
      key,
      sent ?? new Uint8Array(64),
      signed,
    );
    return matches && isTimely(timestamp, nowMs, { windowMs: WINDOW_MS });
  },
  elements: async (request) =>
    await elementsOfList(
      parseJsonBody(request.body),
      (event) => {
        const id = isJsonObject(event) ? scalarText(event.sg_event_id) : null;
        return id ? `id:${id}` : `element:${stringifyLossless(event)}`;
      },
      (event) => isJsonObject(event) ? event.event : null,
      MAX_BATCH,
    ),
  sample: () => null,
});

async function publicKey(text: string): Promise<CryptoKey> {
  const bytes = base64Decode(text);
  try {
    if (bytes === null) throw new TypeError("The key is no base64");
    return await crypto.subtle.importKey("spki", bytes, { name: "ECDSA", namedCurve: "P-256" }, false, [
      "verify",
    ]);
  } catch (cause) {
    throw new TypeError("SendGrid's verification key is a P-256 public key in base64, in one line", {
      cause,
    });
  }
}
