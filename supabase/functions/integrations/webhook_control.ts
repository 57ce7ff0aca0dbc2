import { hubClient } from "../_shared/db/clients.ts";
import { tenantDb } from "../_shared/db/tenant_db.ts";
import { unwrap } from "../_shared/db/unwrap.ts";
import type { UserAccess } from "../_shared/http/access.ts";
import { NO_STORE } from "../_shared/http/no_store.ts";
import { route } from "../_shared/http/route.ts";
import { changedWebhookAnswer, revealedSecretAnswer } from "./webhook_answers.ts";
import { resource } from "./webhook_input.ts";

/** The arguments of an RPC that does something to one webhook. */
const aimedAt = (access: UserAccess, webhookId: string) => ({
  p_org_id: access.orgId as string,
  p_webhook_id: webhookId,
  p_actor: access.userId,
});

/** What is done to a webhook in a bad hour: its secret read, the old one ended, itself removed. */
export const webhookControlRoutes = [
  route({
    method: "POST",
    path: "/webhooks/:webhook_id/reveal",
    summary: "Shows the signing secret of an inbound webhook; the audit log keeps who asked and when",
    auth: "user",
    permission: "webhooks.reveal",
    org: "required",
    uuidParams: ["webhook_id"],
    response: { status: 200, schema: revealedSecretAnswer },
    errors: ["CONFLICT"],
    examples: [{ name: "one" }],
    handler: async ({ access, params }) => {
      const secret = unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc(
          "reveal_webhook_secret",
          aimedAt(access, params.webhook_id!),
        ),
      );
      return Response.json({ id: params.webhook_id, signing_secret: secret }, { headers: NO_STORE });
    },
  }),
  route({
    method: "POST",
    path: "/webhooks/:webhook_id/rotate/end",
    summary: "Ends the overlap of a rotation: from now on only the newest secret verifies",
    auth: "user",
    permission: "webhooks.manage",
    org: "required",
    uuidParams: ["webhook_id"],
    response: { status: 200, schema: changedWebhookAnswer },
    examples: [{ name: "at_once" }],
    handler: async ({ access, params }) => {
      const webhook = unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc(
          "end_webhook_overlap",
          aimedAt(access, params.webhook_id!),
        ),
      );
      return Response.json(await resource(webhook));
    },
  }),
  route({
    method: "DELETE",
    path: "/webhooks/:webhook_id",
    summary: "Deletes an inbound webhook: its URL is refused, its secrets are gone, its receipts stay",
    auth: "user",
    permission: "webhooks.manage",
    org: "required",
    uuidParams: ["webhook_id"],
    response: { status: 200, schema: changedWebhookAnswer },
    examples: [{ name: "one" }],
    handler: async ({ access, params }) => {
      const webhook = unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc(
          "delete_webhook",
          aimedAt(access, params.webhook_id!),
        ),
      );
      return Response.json(await resource(webhook));
    },
  }),
];
