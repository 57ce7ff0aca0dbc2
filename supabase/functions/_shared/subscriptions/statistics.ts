import * as z from "zod";
import { hubClient } from "../db/clients.ts";
import { tenantDb } from "../db/tenant_db.ts";
import { unwrap } from "../db/unwrap.ts";
import type { UserAccess } from "../http/access.ts";
import type { RouteExample } from "../http/route.ts";

const HOUR_MS = 3_600_000;
/** What is answered when nothing is asked for. */
const DEFAULT_SPAN_MS = { hour: 24 * HOUR_MS, day: 30 * 24 * HOUR_MS };

const instant = () => z.iso.datetime({ offset: true });
const count = () => z.int().min(0);
const latencyMs = (of: string) =>
  z.int().min(0).nullable().describe(`Time from queueing to ${of}; within 6.25 %, null = there was none.`);

const summary = () => ({
  delivered: count(),
  failed: count().describe("Attempts that failed, refused ones included."),
  discarded: count().describe("Deliveries that were given up."),
  failure_rate: z.number().min(0).max(1).nullable().describe(
    "Failed attempts, of those that failed or delivered; null = there were none.",
  ),
  first_attempt_p50_ms: latencyMs("the first attempt"),
  first_attempt_p95_ms: latencyMs("the first attempt"),
  success_p50_ms: latencyMs("success"),
  success_p95_ms: latencyMs("success"),
});

/** Statistics of one subscription in a list. */
export const subscriptionStatisticsAnswer = () =>
  z.strictObject({
    delivered: count().describe("Since it was made."),
    pending: count().describe("Waiting, never failed; up to 200000 are counted."),
    failed: count().describe("Waiting for another attempt after a failure."),
    in_flight: count().describe("On their way now."),
    discarded: count().describe("Given up since it was made; replayed ones included."),
    last_24h: z.strictObject({
      ...summary(),
      queued: count().describe("Came to their first attempt, or wait for it since less than 24 h."),
    }).describe("The current hour and the 24 before it."),
    oldest_open_at: instant().nullable(),
    last_attempt_at: instant().nullable(),
  });

/** Statistics by hour or day. */
export const statisticsSeriesAnswer = () =>
  z.strictObject({
    from: instant().describe("Beginning of the first period, UTC."),
    to: instant().describe("End of the last period."),
    granularity: z.enum(["hour", "day"]),
    open: z.strictObject({
      pending: count(),
      failed: count(),
      in_flight: count(),
      oldest_open_at: instant().nullable(),
    }).describe("What waits or is on its way now, whatever the time span."),
    total: z.strictObject(summary()),
    periods: z.array(z.strictObject({ period_start: instant(), ...summary() })),
  });

const statisticsSchema = z.record(z.string(), z.record(z.string(), z.unknown()));

/** Rows of a tenant's subscriptions of any kind, each with its statistics; one call for a whole page. */
export async function withStatistics<Row extends { id: string }>(tenantId: string, rows: Row[]) {
  const byId = statisticsSchema.parse(
    unwrap(
      await tenantDb(tenantId, hubClient()).rpc("delivery_statistics", {
        p_integration_ids: rows.map((row) => row.id),
      }),
    ),
  );
  return rows.map((row) => ({ ...row, statistics: byId[row.id] }));
}

/** Years that the database and its answers can write; another one is a typing error. */
const instantOfOurTime = () =>
  instant().refine((value) => {
    const year = new Date(value).getUTCFullYear();
    return year >= 2000 && year < 2100;
  }, { message: "an instant between the years 2000 and 2099" }).optional();

/** Query of a route that answers statistics by hour or day. */
export const seriesQuerySchema = z.object({
  from: instantOfOurTime(),
  to: instantOfOurTime(),
  granularity: z.enum(["hour", "day"]).default("hour"),
});

/** The time span that a query asks for, as the RPCs take it. */
export function spanOf(query: z.infer<typeof seriesQuerySchema>) {
  const to = query.to === undefined ? new Date() : new Date(query.to);
  const from = query.from === undefined
    ? new Date(to.getTime() - DEFAULT_SPAN_MS[query.granularity])
    : new Date(query.from);
  return { p_from: from.toISOString(), p_to: to.toISOString(), p_granularity: query.granularity };
}

/** Examples of such a route. */
export const SERIES_EXAMPLES: RouteExample[] = [{ name: "last_day" }, {
  name: "a_week_by_day",
  query: { from: "2026-11-14T00:00:00Z", to: "2026-11-21T00:00:00Z", granularity: "day" },
}];

/**
 * Answers the statistics of one subscription, of whatever kind, or of all the tenant's together (null).
 *
 * Tenancy: of this tenant only; whether the user may see the subscription is for the caller to ask.
 *
 * @throws {InterlockError} NOT_FOUND, VALIDATION_FAILED (a time span that is empty or too long).
 */
export async function answerSeries(
  access: UserAccess,
  subscriptionId: string | null,
  query: z.infer<typeof seriesQuerySchema>,
): Promise<Response> {
  return Response.json(unwrap(
    await tenantDb(access.tenantId, hubClient()).rpc("delivery_statistics_series", {
      p_integration_id: subscriptionId as string,
      ...spanOf(query),
    }),
  ));
}
