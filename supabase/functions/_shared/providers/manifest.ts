import type { Marks } from "./marks.ts";
import type { WebhookScheme } from "./webhook_scheme.ts";

/** What is known of a kind of webhook before its code is loaded. */
export interface SchemeEntry {
  marks: Marks;
  load: () => Promise<WebhookScheme>;
  /** The parameter of the address by which it asks something without any credential (`openAnswer` of the scheme). */
  asksBy?: string;
}

const xml = /^(?:text|application)\/(?:soap\+)?xml\b/i;

/**
 * Every kind of inbound webhook: a line each. The rest follows from it and from what a scheme says of itself. A request is
 * taken for the first one whose marks it carries, so those that are read off the body come last. Code is loaded when a
 * webhook of its kind is met: a boot pays for none of it.
 */
export const manifest: Readonly<Record<string, SchemeEntry>> = {
  slack: {
    marks: { headers: ["x-slack-signature"] },
    load: async () => (await import("./slack/webhook.ts")).slack,
  },
  stripe: {
    marks: { headers: ["stripe-signature"] },
    load: async () => (await import("./stripe/webhook.ts")).stripe,
  },
  // Before Meta, which names its signature alike.
  github: {
    marks: { headers: ["x-github-event"] },
    load: async () => (await import("./github/webhook.ts")).github,
  },
  meta: {
    marks: { headers: ["x-hub-signature-256"], query: ["hub.mode"] },
    load: async () => (await import("./meta/webhook.ts")).meta,
  },
  shopify: {
    marks: { headers: ["x-shopify-hmac-sha256"] },
    load: async () => (await import("./shopify/webhook.ts")).shopify,
  },
  hubspot: {
    marks: { headers: ["x-hubspot-signature-v3"] },
    load: async () => (await import("./hubspot/webhook.ts")).hubspot,
  },
  standard_webhooks: {
    marks: { headers: ["webhook-signature", "svix-signature"] },
    load: async () => (await import("./standard_webhooks/webhook.ts")).standardWebhooks,
  },
  sendgrid: {
    marks: { headers: ["x-twilio-email-event-webhook-signature"] },
    load: async () => (await import("./sendgrid/webhook.ts")).sendgrid,
  },
  zenoti: {
    marks: { headers: ["zenoti-webhook-signature"] },
    asksBy: "provider",
    load: async () => (await import("./zenoti/webhook.ts")).zenoti,
  },
  google_channel: {
    marks: { headers: ["x-goog-channel-id"] },
    load: async () => (await import("./google_channel/webhook.ts")).googleChannel,
  },
  google_pubsub: {
    marks: { headers: [["authorization", /^bearer /i]] },
    load: async () => (await import("./google_pubsub/webhook.ts")).googlePubsub,
  },
  basic_auth: {
    marks: { headers: [["authorization", /^basic /i]] },
    load: async () => (await import("./basic_auth/webhook.ts")).basicAuth,
  },
  token: {
    marks: { headers: ["x-webhook-token"] },
    load: async () => (await import("./token/webhook.ts")).token,
  },
  generic_hmac: {
    marks: { headers: ["x-signature"] },
    load: async () => (await import("./generic_hmac/webhook.ts")).genericHmac,
  },
  salesforce: {
    marks: { headers: [["content-type", xml]] },
    load: async () => (await import("./salesforce/webhook.ts")).salesforce,
  },
  microsoft_graph: {
    marks: { bodyText: '"clientState"' },
    asksBy: "validationToken",
    load: async () => (await import("./microsoft_graph/webhook.ts")).microsoftGraph,
  },
  zoho: {
    marks: { bodyText: '"channel_id"' },
    load: async () => (await import("./zoho/webhook.ts")).zoho,
  },
  none: {
    marks: {},
    load: async () => (await import("./none/webhook.ts")).none,
  },
};

/** What a request without any marks is taken for. */
export const FALLBACK = "generic_hmac";
