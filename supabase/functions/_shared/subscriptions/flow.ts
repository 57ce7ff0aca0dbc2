import * as z from "zod";
import { hubClient } from "../db/clients.ts";
import { tenantDb } from "../db/tenant_db.ts";
import { unwrap } from "../db/unwrap.ts";
import { InterlockError } from "../guardrails.ts";
import type { UserAccess } from "../http/access.ts";
import { FLOWS } from "./flows.ts";
import type { SubscriptionKind } from "./subscription_kind.ts";

/** One integration by its id, or a scope. */
export const flowSchema = z.strictObject({
  integration_id: z.uuid().optional(),
  scope: z.enum(["integration", "tenant", "all"]).optional(),
  flow: z.enum(FLOWS),
}).refine(
  ({ integration_id, scope }) =>
    (integration_id !== undefined) === ((scope ?? "integration") === "integration"),
  { path: ["integration_id"], message: 'Name an integration_id, or the scope "tenant".' },
);

export const flowAnswer = () =>
  z.strictObject({
    scope: z.enum(["integration", "tenant"]),
    integration_id: z.uuid().nullable(),
    flow: z.enum(FLOWS).describe("What was asked for."),
    effective_flow: z.enum(FLOWS).describe("What holds: the tenant, or everybody, may be held besides."),
    flow_reason: z.enum(["integration", "tenant", "everybody"]).nullable().describe(
      "Who holds; null = open.",
    ),
    message: z.string().describe("What the effective flow means."),
  });

/**
 * Opens, pauses or drains one subscription of a kind, or all deliveries of the tenant.
 *
 * @throws {InterlockError} FORBIDDEN for everybody's deliveries, and for the tenant's in a request narrowed to an org;
 * NOT_FOUND.
 */
export async function setFlow(
  kind: SubscriptionKind,
  access: UserAccess,
  body: z.infer<typeof flowSchema>,
): Promise<Response> {
  const db = tenantDb(access.tenantId, hubClient());
  const common = { p_org_id: access.orgId as string, p_flow: body.flow, p_actor: access.userId };
  if (body.scope === "all") {
    throw new InterlockError(
      "FORBIDDEN",
      "Everybody's deliveries are held with the key named hub, at meta-webhook-deliver.",
    );
  }
  if (body.scope === "tenant") return Response.json(unwrap(await db.rpc("set_tenant_flow", common)));
  return Response.json(unwrap(
    await db.rpc("set_subscription_flow", {
      ...common,
      p_kind: kind.name,
      p_integration_id: body.integration_id!,
    }),
  ));
}
