import { createSign, generateKeyPairSync } from "node:crypto";

/** An account that signs its event webhook. */
export interface SendgridAccount {
  /** The verification key, as the menu shows it. */
  verificationKey: string;
  /** Headers of a batch. */
  headers(body: string | Uint8Array, timestamp: string): Record<string, string>;
}

/** Makes an account with a key pair of its own; signs in DER with Node's crypto, as SendGrid does. */
export function sendgridAccount(): SendgridAccount {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return {
    verificationKey: publicKey.export({ format: "der", type: "spki" }).toString("base64"),
    headers(body, timestamp) {
      const signature = createSign("SHA256").update(timestamp).update(body).sign(privateKey);
      return {
        "content-type": "application/json",
        "x-twilio-email-event-webhook-timestamp": timestamp,
        "x-twilio-email-event-webhook-signature": signature.toString("base64"),
      };
    },
  };
}

/** One event of a batch; name what matters. */
export function sendgridEvent(event: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    email: "jo@example.com",
    timestamp: Math.floor(Date.now() / 1000),
    event: "delivered",
    sg_event_id: crypto.randomUUID().replaceAll("-", ""),
    sg_message_id: "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
    ...event,
  };
}
