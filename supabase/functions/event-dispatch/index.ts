import * as z from "zod";
import { createFunction } from "../_shared/http/create_function.ts";
import { route } from "../_shared/http/route.ts";
import { dispatchDrainer } from "./drainer.ts";

/** Hands every new event to its consumers. Woken by the database after commit, and by a schedule in case that got lost. */
export default createFunction({
  name: "event-dispatch",
  routes: [
    route({
      method: "POST",
      path: "/",
      summary: "Drains due dispatches; answers at once and works on",
      auth: "service",
      body: z.object({ reason: z.enum(["bell", "schedule", "manual"]).default("manual") }),
      response: {
        status: 202,
        schema: () => z.object({ accepted: z.literal(true), state: z.enum(["started", "running"]) }),
      },
      examples: [{ name: "by_hand", body: {} }, { name: "by_schedule", body: { reason: "schedule" } }],
      handler: ({ log, body }) => {
        const state = dispatchDrainer.wake(log, body.reason);
        return Response.json({ accepted: true, state }, { status: 202 });
      },
    }),
  ],
});
