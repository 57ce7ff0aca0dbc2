import * as z from "zod";
import { hubClient } from "../db/clients.ts";
import { tenantDb } from "../db/tenant_db.ts";
import { unwrap } from "../db/unwrap.ts";
import { FLOWS } from "./flows.ts";

const instant = () => z.iso.datetime({ offset: true });

/** How the deliveries of a subscription stand, as lists show it. */
export const stateAnswer = () =>
  z.strictObject({
    flow: z.enum(FLOWS).describe("What holds, of its own flow, its tenant's and everybody's."),
    flow_reason: z.enum(["integration", "tenant", "everybody"]).nullable().describe(
      "Who holds; null = open.",
    ),
    breaker: z.enum(["closed", "open", "probing"]).describe(
      "open = the endpoint failed again and again, nothing is sent; probing = one at a time.",
    ),
    breaker_open_until: instant().nullable(),
    held_until: instant().nullable().describe("Rate limit, Retry-After, or a failed head of a FIFO line."),
    failing_since: instant().nullable(),
    consecutive_failures: z.int().min(0).describe("Of the endpoint itself, since its last success."),
  });

/** Rows of subscriptions of any kind, each with its state; one call for a whole page. */
export async function withStates<Row extends { id: string }>(tenantId: string, rows: Row[]) {
  const byId = z.record(z.string(), z.record(z.string(), z.unknown())).parse(
    unwrap(
      await tenantDb(tenantId, hubClient()).rpc("subscription_states", {
        p_integration_ids: rows.map((row) => row.id),
      }),
    ),
  );
  return rows.map((row) => ({ ...row, state: byId[row.id] }));
}
