import * as z from "zod";
import { hubClient } from "../_shared/db/clients.ts";
import { unwrap } from "../_shared/db/unwrap.ts";
import { createFunction } from "../_shared/http/create_function.ts";
import { route } from "../_shared/http/route.ts";
import { FLOWS } from "../_shared/subscriptions/flows.ts";
import { deliveryDrainer } from "./drainer.ts";

/** Delivers events to the endpoints of subscribers. Woken by the database after commit, and by a schedule in case that got lost. */
export default createFunction({
  name: "meta-webhook-deliver",
  routes: [
    route({
      method: "POST",
      path: "/",
      summary: "Drains due deliveries; answers at once and works on",
      auth: "service",
      body: z.object({ reason: z.enum(["bell", "schedule", "manual"]).default("manual") }),
      response: {
        status: 202,
        schema: () => z.object({ accepted: z.literal(true), state: z.enum(["started", "running"]) }),
      },
      examples: [{ name: "by_hand", body: {} }, { name: "by_schedule", body: { reason: "schedule" } }],
      handler: ({ log, body }) => {
        const state = deliveryDrainer.wake(log, body.reason);
        return Response.json({ accepted: true, state }, { status: 202 });
      },
    }),
    route({
      method: "POST",
      path: "/flow",
      summary: "Pauses, drains or opens everybody's deliveries",
      auth: "service",
      body: z.strictObject({ scope: z.literal("all"), flow: z.enum(FLOWS) }),
      response: {
        status: 200,
        schema: () => z.strictObject({ scope: z.literal("all"), flow: z.enum(FLOWS), message: z.string() }),
      },
      examples: [{ name: "open", body: { scope: "all", flow: "open" } }],
      handler: async ({ log, body }) => {
        const answer = unwrap(await hubClient().rpc("set_flow_of_all", { p_flow: body.flow }));
        log.warn(`everybody's deliveries are now ${body.flow}`);
        return Response.json(answer);
      },
    }),
  ],
});
