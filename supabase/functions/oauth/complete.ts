import * as z from "zod";
import { hubClient } from "../_shared/db/clients.ts";
import { tenantDb } from "../_shared/db/tenant_db.ts";
import { unwrap } from "../_shared/db/unwrap.ts";
import { InterlockError } from "../_shared/guardrails.ts";
import { NO_STORE } from "../_shared/http/no_store.ts";
import { route } from "../_shared/http/route.ts";
import { keepAlive } from "../_shared/runtime.ts";
import { hashOf } from "./state_token.ts";
import { revokeDue } from "./upkeep_work.ts";

const connectorAnswer = () =>
  z.strictObject({
    connector_id: z.uuid(),
    type: z.string(),
    name: z.string(),
    status: z.enum(["active", "inactive", "error"]),
    account_name: z.string().nullable(),
    scopes: z.array(z.string()),
  });

/** What complete_oauth answers. */
const outcomeSchema = z.discriminatedUnion("outcome", [
  z.object({ outcome: z.literal("connected"), connector: z.record(z.string(), z.unknown()) }),
  z.object({ outcome: z.literal("missing"), provider: z.string(), missing_scopes: z.array(z.string()) }),
  z.object({ outcome: z.literal("other_account"), account_name: z.string().nullable() }),
  z.object({ outcome: z.literal("foreign") }),
  z.object({ outcome: z.literal("unknown") }),
]);

export const completeRoutes = [
  route({
    method: "POST",
    path: "/complete",
    summary: "Finishes a connection; only whoever began it can",
    auth: "user",
    permission: "connectors.manage",
    bodyLimitBytes: 4096,
    body: z.strictObject({ code: z.string().regex(/^[\w-]{43}$/, "is no code of a callback") }),
    errors: ["NOT_FOUND", "CONFLICT", "PERMISSION_MISSING"],
    response: { status: 200, schema: connectorAnswer },
    examples: [{
      name: "what_the_browser_brought",
      body: { code: "s0zA1u7Y3lq9gQmNf2cXo8KpT4wVbRjE6hLdZiUxCy5" },
      stands_for: { "/code": "oauth_code" },
    }],
    handler: async ({ access, body, log }) => {
      const outcome = outcomeSchema.parse(unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("complete_oauth", {
          p_org_id: access.orgId as string,
          p_code_hash: await hashOf(body.code),
          p_actor: access.userId,
        }),
      ));
      if (outcome.outcome === "connected") return Response.json(outcome.connector, { headers: NO_STORE });
      // What nobody can finish any more is revoked at once; what that misses the schedule does.
      if (outcome.outcome !== "unknown") keepAlive(revokeDue(log));
      throw refusal(outcome);
    },
  }),
];

function refusal(outcome: Exclude<z.infer<typeof outcomeSchema>, { outcome: "connected" }>): InterlockError {
  switch (outcome.outcome) {
    case "missing":
      return new InterlockError(
        "PERMISSION_MISSING",
        `Not everything was allowed that the connector needs: ${
          outcome.missing_scopes.join(", ")
        }. Connect again and allow all of it.`,
        { details: { missing_scopes: outcome.missing_scopes } },
      );
    case "other_account":
      return new InterlockError(
        "CONFLICT",
        `This connector reads ${
          outcome.account_name ?? "another account"
        }; connect that account, or make a new connector for this one.`,
      );
    // Begun by somebody else, used, or too old: nobody is told which.
    case "foreign":
    case "unknown":
      return new InterlockError("NOT_FOUND", "There is nothing to finish with this code; begin again.");
  }
}
