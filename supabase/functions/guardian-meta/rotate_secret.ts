import { hubClient } from "../_shared/db/clients.ts";
import { tenantDb } from "../_shared/db/tenant_db.ts";
import { unwrap } from "../_shared/db/unwrap.ts";
import { InterlockError } from "../_shared/guardrails.ts";
import { route } from "../_shared/http/route.ts";
import { newSecret, rotateSchema, withSecret } from "../_shared/subscriptions/signing_secret.ts";
import { integrationSecretAnswer } from "./answers.ts";

export const rotateRoutes = [
  route({
    method: "POST",
    path: "/integrations/:integration_id/rotate",
    summary: "Gives an integration a new secret or key pair; the old one signs too for the overlap",
    auth: "user",
    permission: "integrations.manage",
    uuidParams: ["integration_id"],
    body: rotateSchema,
    response: { status: 200, schema: integrationSecretAnswer },
    examples: [{ name: "a_day_of_both", body: {} }, {
      name: "to_asymmetric",
      body: { signature: "v1a", overlap_seconds: 3600 },
    }, {
      name: "at_once",
      body: { overlap_seconds: 0 },
    }],
    handler: async ({ access, params, body }) => {
      const current = unwrap(
        await access.db.from("guardian_meta_integrations").select("config").eq("id", params.integration_id!)
          .maybeSingle(),
      );
      if (current === null) throw new InterlockError("NOT_FOUND", "This integration does not exist.");
      const secret = newSecret(body.signature, current.config);
      const integration = unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("rotate_guardian_meta_integration_secret", {
          p_integration_id: params.integration_id!,
          p_secret: secret,
          p_overlap_seconds: body.overlap_seconds,
          p_actor: access.userId,
        }),
      );
      return Response.json(withSecret(integration, secret));
    },
  }),
];
