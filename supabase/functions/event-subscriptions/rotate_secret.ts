import { hubClient } from "../_shared/db/clients.ts";
import { tenantDb } from "../_shared/db/tenant_db.ts";
import { unwrap } from "../_shared/db/unwrap.ts";
import { InterlockError } from "../_shared/guardrails.ts";
import { route } from "../_shared/http/route.ts";
import { newSecret, rotateSchema, withSecret } from "../_shared/subscriptions/signing_secret.ts";
import { createdSubscriptionAnswer } from "./subscription_schemas.ts";

export const rotateRoutes = [
  route({
    method: "POST",
    path: "/:subscription_id/rotate",
    summary: "Gives a subscription a new secret or key pair; the old one signs too for the overlap",
    auth: "user",
    permission: "integrations.manage",
    uuidParams: ["subscription_id"],
    body: rotateSchema,
    response: { status: 200, schema: createdSubscriptionAnswer },
    examples: [{ name: "a_day_of_both", body: {} }, {
      name: "to_asymmetric",
      body: { signature: "v1a", overlap_seconds: 3600 },
    }],
    handler: async ({ access, params, body }) => {
      const current = unwrap(
        await access.db.from("event_subscriptions").select("config").eq("id", params.subscription_id!)
          .maybeSingle(),
      );
      if (current === null) throw new InterlockError("NOT_FOUND", "This subscription does not exist.");
      const secret = newSecret(body.signature, current.config);
      const subscription = unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("rotate_event_subscription_secret", {
          p_org_id: access.orgId as string,
          p_subscription_id: params.subscription_id!,
          p_secret: secret,
          p_overlap_seconds: body.overlap_seconds,
          p_actor: access.userId,
        }),
      );
      return Response.json(withSecret(subscription, secret));
    },
  }),
];
