import { createFunction } from "../_shared/http/create_function.ts";
import { route } from "../_shared/http/route.ts";
import { receiveEnvelope, receiveRaw } from "./receive.ts";

/**
 * Inbound webhooks: verify, deduplicate, store, answer. Public; the provider's signature is the credential.
 * Turning payloads into contacts happens behind the spine.
 */
export default createFunction({
  name: "webhook-receiver",
  routes: [
    route({
      method: "POST",
      path: "/:webhook_id",
      summary: "Takes a provider's raw request, signed as the webhook's provider signs",
      auth: "public",
      handler: receiveRaw,
    }),
    route({
      method: "POST",
      path: "/",
      summary: "Takes {webhook_id, event, data}, the body signed with the webhook's secret",
      auth: "public",
      handler: receiveEnvelope,
    }),
  ],
});
