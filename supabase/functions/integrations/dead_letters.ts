import * as z from "zod";
import { hubClient } from "../_shared/db/clients.ts";
import type { Json } from "../_shared/db/store.ts";
import { tenantDb } from "../_shared/db/tenant_db.ts";
import { unwrap } from "../_shared/db/unwrap.ts";
import { instantSchema } from "../_shared/deliveries/log_query.ts";
import type { UserAccess } from "../_shared/http/access.ts";
import { decodeCursor, numberedIdSchema, pageAnswer, pageQuerySchema } from "../_shared/http/keyset.ts";
import { route } from "../_shared/http/route.ts";
import { deadDispatchAnswer, deadDispatchCountAnswer } from "./webhook_answers.ts";

/** The provider's name for what happened, as it is stored. */
export const elementTypeSchema = z.string().regex(
  /^[A-Za-z0-9_.:-]{1,100}$/,
  "is a name like contact.creation",
);

/** What narrows dead letters; a replay of them takes the same. */
export const narrowing = {
  webhook_id: z.uuid().optional(),
  type: elementTypeSchema.optional(),
  consumer: z.string().regex(/^[a-z0-9_]{1,100}$/, "is a name like crm").optional(),
  error_code: z.string().regex(/^[A-Z0-9_]{1,100}$/, "is a code like VALIDATION_FAILED").optional(),
};

const filterSchema = z.object({ ...narrowing, from: instantSchema.optional(), to: instantSchema.optional() });
const listSchema = filterSchema.extend(pageQuerySchema.shape);

const pageSchema = z.object({
  ids: z.array(z.number()),
  next: z.object({ at: z.string(), id: z.string() }).nullable(),
});

const COLUMNS =
  "id, event_id, consumer, attempts, replays, last_error_code, last_error, created_at, finished_at, status, integration_events_outbox(event_type, webhook_id, receipt_id, payload)";

const rowSchema = z.object({
  id: z.number(),
  event_id: z.string(),
  consumer: z.string(),
  attempts: z.number(),
  replays: z.number(),
  last_error_code: z.string().nullable(),
  last_error: z.string().nullable(),
  created_at: z.string(),
  finished_at: z.string().nullable(),
  status: z.string(),
  integration_events_outbox: z.object({
    event_type: z.string(),
    webhook_id: z.string().nullable(),
    receipt_id: z.string().nullable(),
    payload: z.looseObject({}),
  }).nullable(),
});

const textOrNull = (value: unknown) => typeof value === "string" ? value : null;

function deadLetter(row: z.infer<typeof rowSchema>) {
  const event = row.integration_events_outbox;
  return {
    id: row.id,
    event_id: row.event_id,
    event_type: event?.event_type ?? null,
    consumer: row.consumer,
    webhook_id: event?.webhook_id ?? null,
    receipt_id: event?.receipt_id ?? null,
    provider: event?.webhook_id ? textOrNull(event.payload.provider) : null,
    type: event?.webhook_id ? textOrNull(event.payload.type) : null,
    error_code: row.last_error_code,
    reason: row.last_error,
    attempts: row.attempts,
    replays: row.replays,
    created_at: row.created_at,
    died_at: row.finished_at,
  };
}

async function deadLetterPage(access: UserAccess, query: z.infer<typeof listSchema>) {
  const { limit, cursor, ...filter } = query;
  const page = pageSchema.parse(unwrap(
    await tenantDb(access.tenantId, hubClient()).rpc("list_dead_dispatches", {
      p_org_id: access.orgId as string,
      p_filter: filter as Json,
      p_limit: limit,
      p_after: decodeCursor(cursor, numberedIdSchema) as Json,
    }),
  ));
  const visible = page.ids.length === 0
    ? []
    : unwrap(await access.db.from("event_dispatches").select(COLUMNS).in("id", page.ids));
  const rows = new Map(z.array(rowSchema).parse(visible).map((row) => [row.id, row]));
  return pageAnswer({
    // One that was replayed between the two readings is dead no more.
    data: page.ids.flatMap((id) => rows.get(id) ?? []).filter((row) => row.status === "dead").map(deadLetter),
    next: page.next,
  });
}

/** What consumers gave up, and why. Sending it through them again: `POST /dispatches/replay`, `POST /replays`. */
export const deadLetterRoutes = [
  route({
    method: "GET",
    path: "/dead-letters",
    summary: "Lists events that a consumer gave up and why, the latest first",
    auth: "user",
    permission: "deliveries.read",
    query: listSchema,
    response: { status: 200, form: "list", schema: deadDispatchAnswer },
    examples: [{ name: "all", needs: ["dead_dispatch_id"] }, {
      name: "of_one_consumer",
      query: { consumer: "crm", from: "2020-01-01T00:00:00Z", limit: 10 },
      needs: ["dead_dispatch_id"],
    }],
    handler: async ({ access, query }) => Response.json(await deadLetterPage(access, query)),
  }),
  route({
    method: "GET",
    path: "/dead-letters/count",
    summary: "Counts what consumers gave up, by webhook, consumer and error",
    auth: "user",
    permission: "deliveries.read",
    query: filterSchema,
    response: { status: 200, schema: deadDispatchCountAnswer },
    examples: [{ name: "all", needs: ["dead_dispatch_id"] }],
    handler: async ({ access, query }) =>
      Response.json(unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("count_dead_dispatches", {
          p_org_id: access.orgId as string,
          p_filter: query as Json,
        }),
      )),
  }),
];
