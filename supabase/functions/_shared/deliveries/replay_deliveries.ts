import * as z from "zod";
import { hubClient } from "../db/clients.ts";
import { tenantDb } from "../db/tenant_db.ts";
import { unwrap } from "../db/unwrap.ts";
import type { UserAccess } from "../http/access.ts";

/** Puts finished deliveries back into the queue; answers how many. The caller has seen that the user sees them. */
export async function replayDeliveries(access: UserAccess, deliveryIds: string[]): Promise<number> {
  return z.number().parse(unwrap(
    await tenantDb(access.tenantId, hubClient()).rpc("replay_deliveries", {
      p_delivery_ids: deliveryIds,
      p_actor: access.userId,
    }),
  ));
}
