import * as z from "zod";
import { hubClient } from "../_shared/db/clients.ts";
import { tenantDb } from "../_shared/db/tenant_db.ts";
import { unwrap } from "../_shared/db/unwrap.ts";
import { InterlockError } from "../_shared/guardrails.ts";
import { route } from "../_shared/http/route.ts";
import { pageQuerySchema } from "../_shared/http/keyset.ts";
import { replayAnswer } from "./webhook_answers.ts";

const COLUMNS =
  "id, event_id, consumer, status, attempts, max_attempts, next_attempt_at, last_error_code, last_error, replays, created_at, finished_at";

const listSchema = pageQuerySchema.omit({ cursor: true }).extend({
  status: z.enum(["pending", "done", "dead"]).default("dead"),
  before_id: z.coerce.number().int().positive().optional(),
});

const replaySchema = z.strictObject({ dispatch_ids: z.array(z.number().int().positive()).min(1).max(500) });

/** One event on its way to one consumer. */
const dispatchAnswer = () =>
  z.object({
    id: z.int(),
    event_id: z.uuid(),
    consumer: z.string(),
    status: z.enum(["pending", "done", "dead"]),
    attempts: z.int(),
    max_attempts: z.int(),
    next_attempt_at: z.iso.datetime({ offset: true }),
    last_error_code: z.string().nullable(),
    last_error: z.string().nullable(),
    replays: z.int().describe("How often a person asked for it again."),
    created_at: z.iso.datetime({ offset: true }),
    finished_at: z.iso.datetime({ offset: true }).nullable(),
  });

export const dispatchRoutes = [
  route({
    method: "GET",
    path: "/dispatches",
    summary: "Lists events on their way to consumers; by default the dead ones, which wait for a person",
    auth: "user",
    permission: "deliveries.read",
    query: listSchema,
    response: { status: 200, form: "list", schema: dispatchAnswer },
    examples: [{ name: "dead", needs: ["dead_dispatch_id"] }, {
      name: "done_before",
      query: { status: "done", limit: 10, before_id: 1000000 },
      needs: ["dispatch_id"],
    }],
    handler: async ({ access, query }) => {
      let select = access.db.from("event_dispatches").select(COLUMNS).eq("status", query.status);
      if (query.before_id !== undefined) select = select.lt("id", query.before_id);
      const rows = unwrap(await select.order("id", { ascending: false }).limit(query.limit));
      const next = rows.length === query.limit ? rows.at(-1)?.id ?? null : null;
      return Response.json({ data: rows, next_cursor: next === null ? null : String(next) });
    },
  }),
  route({
    method: "POST",
    path: "/dispatches/replay",
    summary: "Puts finished dispatches back into the queue",
    auth: "user",
    permission: "deliveries.replay",
    body: replaySchema,
    response: { status: 202, schema: replayAnswer },
    examples: [{
      name: "one",
      body: { dispatch_ids: [4] },
      stands_for: { "/dispatch_ids/0": "dispatch_id" },
    }],
    handler: async ({ access, body }) => {
      const visible = unwrap(
        await access.db.from("event_dispatches").select("id").in("id", body.dispatch_ids),
      );
      if (visible.length === 0) throw new InterlockError("NOT_FOUND", "None of these dispatches exists.");
      const replayed = unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("replay_event_dispatches", {
          p_dispatch_ids: visible.map((row) => row.id),
          p_actor: access.userId,
        }),
      );
      return Response.json({ replayed }, { status: 202 });
    },
  }),
];
