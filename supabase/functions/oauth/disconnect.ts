import * as z from "zod";
import { hubClient } from "../_shared/db/clients.ts";
import { tenantDb } from "../_shared/db/tenant_db.ts";
import { unwrap } from "../_shared/db/unwrap.ts";
import { route } from "../_shared/http/route.ts";
import { revokeDue } from "./upkeep_work.ts";

/** What disconnect_connector answers. */
const disconnectedSchema = z.object({ connector_id: z.uuid(), revocation_id: z.uuid() });

export const disconnectRoutes = [
  route({
    method: "POST",
    path: "/disconnect",
    summary: "Takes a connector's grant away, here and at the provider",
    auth: "user",
    permission: "connectors.manage",
    org: "required",
    bodyLimitBytes: 4096,
    body: z.strictObject({ connector_id: z.uuid() }),
    errors: ["NOT_FOUND", "CONFLICT"],
    response: {
      status: 200,
      schema: () =>
        z.strictObject({
          connector_id: z.uuid(),
          status: z.literal("inactive"),
          is_revoked: z.boolean().describe(
            "false = the provider could not be told yet (it is tried again), or another connector uses a grant of the account.",
          ),
        }),
    },
    examples: [{
      name: "one",
      body: { connector_id: "3f0c9a52-6f1e-4c58-9d0b-7a3d5e2b8c41" },
      stands_for: { "/connector_id": "granted_connector_id" },
    }],
    handler: async ({ access, body, log }) => {
      const gone = disconnectedSchema.parse(unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("disconnect_connector", {
          p_org_id: access.orgId as string,
          p_connector_id: body.connector_id,
          p_actor: access.userId,
        }),
      ));
      const revoked = await revokeDue(log, gone.revocation_id);
      return Response.json({
        connector_id: gone.connector_id,
        status: "inactive",
        is_revoked: revoked.includes(gone.revocation_id),
      });
    },
  }),
];
