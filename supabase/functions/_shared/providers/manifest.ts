/**
 * Every kind of inbound webhook: a line each. The rest follows from what a scheme says of itself.
 *
 * @module
 */
export { basicAuth } from "./basic_auth/webhook.ts";
export { genericHmac } from "./generic_hmac/webhook.ts";
export { github } from "./github/webhook.ts";
export { googleChannel } from "./google_channel/webhook.ts";
export { googlePubsub } from "./google_pubsub/webhook.ts";
export { hubspot } from "./hubspot/webhook.ts";
export { meta } from "./meta/webhook.ts";
export { microsoftGraph } from "./microsoft_graph/webhook.ts";
export { none } from "./none/webhook.ts";
export { salesforce } from "./salesforce/webhook.ts";
export { sendgrid } from "./sendgrid/webhook.ts";
export { shopify } from "./shopify/webhook.ts";
export { slack } from "./slack/webhook.ts";
export { standardWebhooks } from "./standard_webhooks/webhook.ts";
export { stripe } from "./stripe/webhook.ts";
export { token } from "./token/webhook.ts";
export { zenoti } from "./zenoti/webhook.ts";
export { zoho } from "./zoho/webhook.ts";
