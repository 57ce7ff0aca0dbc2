import { randomBytes } from "node:crypto";
import type postgres from "postgres";
import type { Listener } from "../measure/processes.ts";

/** What the database says of the deliveries queued last. */
export interface QueueCounts {
  delivered: number;
  /** Attempt rows that say delivered. */
  attempts: number;
}

const WORKER = "meta-webhook-deliver";
const INTEGRATIONS = 16;
const EMPTY_WITHIN_MS = 60_000;
const pause = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs));

/** The queue of the worker, as the bench fills, watches and empties it. */
const CLEARED = [
  "private.delivery_queue",
  "private.delivery_flights",
  "private.delivery_statistics_recent",
  "public.guardian_meta_webhook_attempts",
  "public.guardian_meta_webhook_events",
  "public.integration_events_outbox",
  "public.guardian_readiness_snapshots",
];

export class Queue {
  private constructor(
    private readonly sql: postgres.Sql,
    private readonly manyTenantId: string,
    private readonly oneTenantId: string,
  ) {}

  /**
   * Gives one demo tenant many integrations and another one a single one, all at the sink, and silences everything that
   * would deliver, wake or log beside the bench.
   */
  static async prepare(sql: postgres.Sql, sinkUrl: string): Promise<Queue> {
    await sql`update cron.job set active = false`;
    await sql`update public.guardian_meta_integrations set is_enabled = false`;
    const [many, one] =
      await sql`select id from public.tenants where slug in ('acme', 'globex') order by slug`;
    const queue = new Queue(sql, many!.id, one!.id);
    for (let index = 0; index < INTEGRATIONS; index++) await queue.#integrate(many!.id, index, sinkUrl);
    await queue.#integrate(one!.id, INTEGRATIONS, sinkUrl);
    return queue;
  }

  async #integrate(tenantId: string, index: number, sinkUrl: string): Promise<void> {
    const secret = `whsec_${randomBytes(32).toString("base64")}`;
    const config = JSON.stringify({ webhook_url: `${sinkUrl}/${index}` });
    await this.sql`select public.create_guardian_meta_integration(
      ${tenantId}, ${`bench-${index}`}, 'Bench', null, true, ${config}::text::jsonb, null, '{readiness}', '{}', ${secret}, null)`;
  }

  /** Every integration lets so many requests through at once from now on, those whose results are on their way included. */
  async allow(maxInFlight: number): Promise<void> {
    await this.sql`update public.guardian_meta_integrations
      set config = config || jsonb_build_object('max_in_flight', ${maxInFlight}::integer)
      where tenant_id = ${this.manyTenantId} and integration_key like 'bench-%'`;
  }

  /** Bells go to this process from now on. */
  async ringAt(port: number): Promise<void> {
    await this.sql`select vault.update_secret(s.id, ${`http://127.0.0.1:${port}`})
      from vault.secrets s where s.name = 'interlock_functions_url'`;
  }

  /** Forgets all deliveries, so that every measurement begins with the same tables. Events refuse that otherwise. */
  async clear(): Promise<void> {
    // One table at a time: the worker goes on asking, and two locks at once could meet it in a circle.
    for (const table of CLEARED) {
      await this.sql.begin(async (transaction) => {
        await transaction`set local session_replication_role = replica`;
        await transaction`truncate ${transaction(table)} cascade`;
      });
    }
    await this.sql`update private.delivery_lanes set in_flight = 0, not_before = '-infinity'`;
  }

  /** Queues deliveries while nobody is woken, and answers how many. Then the next wake-up finds them all. */
  async fill(count: number): Promise<number> {
    await this.#promise("infinity");
    await this
      .sql`insert into public.guardian_readiness_snapshots (tenant_id, overall_score, band, dimension_scores)
      select ${this.manyTenantId}, n % 101, 'operational', '{"core": 80, "governance": 65}'
      from generate_series(1, ${Math.ceil(count / INTEGRATIONS)}) n`;
    await this
      .sql`analyze public.guardian_meta_webhook_events, public.integration_events_outbox, private.delivery_queue`;
    await this.#promise("-infinity");
    const [row] = await this.sql`select count(*)::integer as count from public.guardian_meta_webhook_events`;
    return row!.count;
  }

  /** Until when the worker is believed to be awake, and needs no bell. */
  async #promise(until: "infinity" | "-infinity"): Promise<void> {
    await this
      .sql`update private.drainers set awake_until = ${until}::text::timestamptz where name = ${WORKER}`;
  }

  /**
   * Writes one row that becomes one delivery.
   *
   * @returns the moment just before the commit was sent, in milliseconds since 1970.
   */
  async commitOne(): Promise<number> {
    return await this.sql.begin(async (transaction) => {
      await transaction`insert into public.guardian_readiness_snapshots (tenant_id, overall_score, band)
        values (${this.oneTenantId}, 72, 'operational')`;
      return performance.timeOrigin + performance.now();
    });
  }

  /** Ids on the wire of all deliveries, oldest first. */
  async messageIds(): Promise<string[]> {
    const rows = await this.sql<{ id: string }[]>`
      select private.message_id(id) as id from public.guardian_meta_webhook_events order by created_at`;
    return rows.map(({ id }) => id);
  }

  /** @throws {Error} when deliveries are still open after a minute, with the last that the worker wrote. */
  async untilEmpty(worker: Listener): Promise<void> {
    const startedMs = performance.now();
    while (true) {
      const [row] = await this.sql`
        select exists (select from private.delivery_queue) or exists (select from private.delivery_flights) as open`;
      if (!row!.open) return;
      if (performance.now() - startedMs > EMPTY_WITHIN_MS) {
        throw new Error(`Deliveries are still open after a minute. The worker wrote: ${worker.lastWords()}`);
      }
      await pause(10);
    }
  }

  /** Waits until the worker has gone to sleep: it has let its promise lapse and looked once more. */
  async untilAsleep(): Promise<void> {
    while (true) {
      const [row] = await this
        .sql`select awake_until < clock_timestamp() - interval '150 milliseconds' as asleep
        from private.drainers where name = ${WORKER}`;
      if (row!.asleep) return;
      await pause(50);
    }
  }

  async counts(): Promise<QueueCounts> {
    const [row] = await this.sql<{ delivered: number; attempts: number }[]>`
      select (select count(*)::integer from public.guardian_meta_webhook_events where status = 'delivered') as delivered,
        (select count(*)::integer from public.guardian_meta_webhook_attempts where outcome = 'delivered') as attempts`;
    return row!;
  }
}
