import * as z from "zod";
import { createFunction } from "../_shared/http/create_function.ts";
import { route } from "../_shared/http/route.ts";
import { answerQuestion, receiveEnvelope, receiveRaw } from "./receive.ts";

const receivedAnswer = () =>
  z.object({
    success: z.literal(true),
    duplicate: z.boolean().describe("Nothing in it was new."),
    receipt_id: z.uuid().nullable().describe(
      "Null = the webhook wants nothing of it, so nothing was stored.",
    ),
  });

const envelopeBody = () =>
  z.object({
    webhook_id: z.uuid(),
    event: z.string().describe("What happened, in the sender's words."),
    data: z.unknown().optional(),
  });

/** An app's request may hold the news of many accounts, and each may have become a receipt of another tenant. */
const appAnswer = () =>
  z.object({
    success: z.literal(true),
    duplicate: z.boolean().describe("Something in it is known to us, and nothing of it was new."),
    receipt_ids: z.array(z.uuid()).describe(
      "One for each account that something was, or had been, stored for.",
    ),
    unknown_accounts: z.int().describe("Accounts that nobody has connected; their news is not stored."),
  });

/** What Meta asks with; which question it is, the scheme of the webhook finds out. */
const questionQuery = z.looseObject({
  "hub.mode": z.string().optional(),
  "hub.challenge": z.string().optional(),
  "hub.verify_token": z.string().optional(),
});

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
      signature: "webhook",
      response: { status: 200, schema: receivedAnswer },
      examples: [{ name: "order_paid", body: { event: "order.paid", data: { id: 2, total: "19.90" } } }],
      handler: receiveRaw,
    }),
    route({
      method: "GET",
      path: "/:webhook_id",
      summary: "Answers a provider that asks whether the address is ours (hub.challenge)",
      auth: "public",
      errors: ["UNAUTHENTICATED", "UNAVAILABLE"],
      query: questionQuery,
      response: { status: 200, form: "text", schema: () => z.string().describe("The provider's own word.") },
      examples: [{
        name: "meta",
        query: {
          "hub.mode": "subscribe",
          "hub.challenge": "1158201444",
          "hub.verify_token": "67670f56dd6359b7563bc8b57e8f19ca",
        },
        path_stands_for: { webhook_id: "meta_webhook_id" },
      }],
      handler: answerQuestion,
    }),
    route({
      method: "POST",
      path: "/app/:provider",
      summary: "Takes the news of all accounts of a provider's app, signed with the app's secret",
      auth: "public",
      signature: "app",
      response: { status: 200, schema: appAnswer },
      examples: [{
        name: "hubspot_of_two_portals",
        params: { provider: "hubspot" },
        body: [{
          eventId: 3816279340,
          subscriptionId: 25,
          portalId: 1000001,
          appId: 1160452,
          occurredAt: 1795262400000,
          subscriptionType: "contact.creation",
          attemptNumber: 0,
          objectId: 90071,
        }, {
          eventId: 3816279341,
          subscriptionId: 25,
          portalId: 1000002,
          appId: 1160452,
          occurredAt: 1795262400000,
          subscriptionType: "contact.creation",
          attemptNumber: 0,
          objectId: 1204,
        }],
      }],
      // Loaded by the first request of an app: a boot does not pay for it.
      handler: async (context) => await (await import("./receive_app.ts")).receiveApp(context),
    }),
    route({
      method: "POST",
      path: "/",
      summary: "Takes {webhook_id, event, data}, the body signed with the webhook's secret",
      auth: "public",
      signature: "webhook",
      rawBodySchema: envelopeBody,
      response: { status: 200, schema: receivedAnswer },
      examples: [{
        name: "order_paid",
        body: {
          webhook_id: "a2000000-0000-4000-8000-000000000003",
          event: "order.paid",
          data: { id: 2, total: "19.90" },
        },
        stands_for: { "/webhook_id": "webhook_id" },
      }],
      handler: receiveEnvelope,
    }),
  ],
});
