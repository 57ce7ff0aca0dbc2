import * as z from "zod";
import { route } from "../_shared/http/route.ts";
import { keepAlive } from "../_shared/runtime.ts";
import { upkeep } from "./upkeep_work.ts";

export const upkeepRoutes = [
  route({
    method: "POST",
    path: "/upkeep",
    summary: "Revokes what nobody finished and keeps idle tokens alive; answers at once and works on",
    auth: "service",
    body: z.object({ reason: z.enum(["schedule", "manual"]).default("manual") }),
    response: {
      status: 202,
      schema: () => z.object({ accepted: z.literal(true), state: z.enum(["started", "running"]) }),
    },
    examples: [{ name: "by_hand", body: {} }, { name: "by_schedule", body: { reason: "schedule" } }],
    handler: ({ log }) => {
      const { state, work } = upkeep(log);
      keepAlive(work);
      return Response.json({ accepted: true, state }, { status: 202 });
    },
  }),
];
