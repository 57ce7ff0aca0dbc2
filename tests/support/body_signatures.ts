import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { DEMO_APP_SECRETS } from "../../local/demo_app_secrets.ts";

/** What is signed: a body, and for some providers the method and the public address it is sent to. */
export interface Signable {
  method: string;
  url: string;
  body: Uint8Array;
}

/** As the demo's HubSpot app signs; `wrong`, as one with another secret. */
export function signAsApp(request: Signable, wrong = ""): Record<string, string> {
  return BODY_SIGNERS.hubspot!(`${wrong}${DEMO_APP_SECRETS.INTERLOCK_HUBSPOT_CLIENT_SECRET}`, request);
}

type Signer = (secret: string, request: Signable) => Record<string, string>;

const hmac = (secret: string | Uint8Array, ...parts: (string | Uint8Array)[]) => {
  const signing = createHmac("sha256", secret);
  for (const part of parts) signing.update(part);
  return signing.digest();
};
const nowSeconds = () => String(Math.floor(Date.now() / 1000));

/**
 * How providers sign any body at all, made with Node's own crypto: the hub's verification shares no code with this.
 * Providers whose secret stands in the body or the address are not among them.
 */
export const BODY_SIGNERS: Record<string, Signer> = {
  basic_auth: (secret) => ({ authorization: `Basic ${Buffer.from(secret).toString("base64")}` }),
  generic_hmac: (secret, { body }) => ({ "x-signature": `sha256=${hmac(secret, body).toString("hex")}` }),
  github: (secret, { body }) => ({
    "x-github-event": "issues",
    "x-github-delivery": crypto.randomUUID(),
    "x-hub-signature-256": `sha256=${hmac(secret, body).toString("hex")}`,
  }),
  hubspot(secret, { method, url, body }) {
    const timestamp = String(Date.now());
    const signature = hmac(secret, method, url, body, timestamp).toString("base64");
    return { "x-hubspot-request-timestamp": timestamp, "x-hubspot-signature-v3": signature };
  },
  meta: (secret, { body }) => ({ "x-hub-signature-256": `sha256=${hmac(secret, body).toString("hex")}` }),
  shopify: (secret, { body }) => ({
    "x-shopify-topic": "orders/create",
    "x-shopify-event-id": crypto.randomUUID(),
    "x-shopify-hmac-sha256": hmac(secret, body).toString("base64"),
  }),
  slack(secret, { body }) {
    const timestamp = nowSeconds();
    const signature = hmac(secret, `v0:${timestamp}:`, body).toString("hex");
    return { "x-slack-request-timestamp": timestamp, "x-slack-signature": `v0=${signature}` };
  },
  standard_webhooks(secret, { body }) {
    const [id, timestamp] = [crypto.randomUUID(), nowSeconds()];
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    const signature = hmac(key, `${id}.${timestamp}.`, body).toString("base64");
    return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
  },
  stripe(secret, { body }) {
    const timestamp = nowSeconds();
    return { "stripe-signature": `t=${timestamp},v1=${hmac(secret, `${timestamp}.`, body).toString("hex")}` };
  },
  token: (secret) => ({ "x-webhook-token": secret }),
  zenoti: (secret, { body }) => ({
    "zenoti-webhook-signature": `sha256 =${
      hmac(secret, body).toString("hex").toUpperCase().match(/../g)!.join("-")
    }`,
  }),
};
