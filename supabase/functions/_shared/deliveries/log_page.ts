import * as z from "zod";
import { hubClient } from "../db/clients.ts";
import type { Json } from "../db/store.ts";
import { tenantDb } from "../db/tenant_db.ts";
import { unwrap } from "../db/unwrap.ts";
import { messageId } from "../delivery/flight.ts";
import type { UserAccess } from "../http/access.ts";
import type { DeliveryKind } from "./delivery_kind.ts";
import { encodeLogCursor, type LogPosition } from "./log_query.ts";
import { explain, type Standing, standingOf, standingSchema } from "./standing.ts";

export const LOG_COLUMNS =
  "id, integration_id, event_id, event_type, status, attempt_count, replays, last_status_code, last_error_class, last_error, created_at, first_attempt_at, last_attempt_at, finished_at";

const logRowSchema = z.object({
  id: z.string(),
  integration_id: z.string(),
  event_id: z.string().nullable(),
  event_type: z.string(),
  status: z.string(),
  attempt_count: z.number(),
  replays: z.number(),
  last_status_code: z.number().nullable(),
  last_error_class: z.string().nullable(),
  last_error: z.string().nullable(),
  created_at: z.string(),
  first_attempt_at: z.string().nullable(),
  last_attempt_at: z.string().nullable(),
  finished_at: z.string().nullable(),
});

export type LogRow = z.infer<typeof logRowSchema>;

const pageSchema = z.object({
  ids: z.array(z.string()),
  states: z.record(z.string(), standingSchema),
  next: z.object({ at: z.string(), id: z.string() }).nullable(),
});

/** What a page of a log is narrowed to. */
export interface LogFilter {
  integration_id?: string;
  status?: string;
  event_type?: string;
  error_class?: string;
  from?: string;
  to?: string;
}

/** The rows of some ids that the caller's own rights show. */
export async function visibleDeliveries(kind: DeliveryKind, access: UserAccess, ids: string[]) {
  if (ids.length === 0) return [];
  return z.array(logRowSchema).parse(
    unwrap(await access.db.from(kind.deliveries).select(LOG_COLUMNS).in("id", ids)),
  );
}

/**
 * One page of a log, newest first. The service finds the rows, because queue and dead letters are closed to users; the
 * rows themselves are read with the user's rights.
 */
export async function logPage(
  kind: DeliveryKind,
  access: UserAccess,
  filter: LogFilter,
  limit: number,
  after: LogPosition | null,
) {
  const page = pageSchema.parse(unwrap(
    await tenantDb(access.tenantId, hubClient()).rpc("list_deliveries", {
      p_org_id: access.orgId as string,
      p_kind: kind.kind,
      p_filter: { ...filter } as Json,
      p_limit: limit,
      p_after: after as Json,
    }),
  ));
  const rows = new Map((await visibleDeliveries(kind, access, page.ids)).map((row) => [row.id, row]));
  return {
    rows: page.ids.flatMap((id) => rows.get(id) ?? []),
    states: page.states,
    nextCursor: encodeLogCursor(page.next),
  };
}

/** A row of the log as the routes show it, with where it stands. */
export function deliveryResource(row: LogRow, standing: Standing | undefined) {
  const { state, ...times } = standingOf(standing, row.finished_at !== null);
  return { ...row, webhook_id: messageId(row.id), state, why: explain(state), ...times };
}
