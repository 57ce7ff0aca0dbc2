import { randomBytes } from "node:crypto";
import type postgres from "postgres";
import { type Sink, startSink } from "../deliver/sink_client.ts";
import type { Worker } from "../deliver/subjects.ts";

const WORKER = "meta-webhook-deliver";
const HANGING_INTEGRATIONS = 10;
const pause = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs));

/** A tenant whose endpoints hang, one whose endpoint answers at once, and where their deliveries arrive. */
export class Scene {
  private constructor(
    private readonly sql: postgres.Sql,
    private readonly hangingTenantId: string,
    private readonly otherTenantId: string,
    readonly hanging: Sink,
    readonly other: Sink,
  ) {}

  /** @param hangMs - how long the first tenant's endpoints take to answer. */
  static async prepare(sql: postgres.Sql, hangMs: number): Promise<Scene> {
    await sql`update cron.job set active = false`;
    await sql`update public.guardian_meta_integrations set is_enabled = false`;
    const [hangs, other] =
      await sql`select id from public.tenants where slug in ('acme', 'globex') order by slug`;
    const scene = new Scene(sql, hangs!.id, other!.id, await startSink(), await startSink());
    await scene.hanging.reset(hangMs);
    for (let index = 0; index < HANGING_INTEGRATIONS; index++) {
      await scene.#integrate(hangs!.id, index, scene.hanging.url);
    }
    await scene.#integrate(other!.id, HANGING_INTEGRATIONS, scene.other.url);
    return scene;
  }

  async #integrate(tenantId: string, index: number, sinkUrl: string): Promise<void> {
    const config = JSON.stringify({
      webhook_url: `${sinkUrl}/${index}`,
      timeout_ms: 30_000,
      max_in_flight: 100,
    });
    await this
      .sql`select public.create_guardian_meta_integration(${tenantId}, ${`bench-${index}`}, 'Bench', null, true,
      ${config}::text::jsonb, null, '{readiness}', '{}', ${`whsec_${
      randomBytes(32).toString("base64")
    }`}, null)`;
  }

  /** Queues so many for the tenant that hangs. Answers how many are in line. */
  async fill(count: number): Promise<number> {
    await this.sql`insert into public.guardian_readiness_snapshots (tenant_id, overall_score, band)
      select ${this.hangingTenantId}, 50, 'emerging' from generate_series(1, ${
      count / HANGING_INTEGRATIONS
    }::integer)`;
    const [row] = await this.sql`select count(*)::integer as n from private.delivery_queue`;
    return row!.n;
  }

  /** Time from the commit of the other tenant's event to its first arrival, so many times, while the workers are awake. */
  async latencies(samples: number, workers: Worker[]): Promise<number[]> {
    await this.sql`select vault.update_secret(s.id, ${`http://127.0.0.1:${workers[0]!.listener.port}`})
      from vault.secrets s where s.name = 'interlock_functions_url'`;
    await this.other.reset(0);
    const [begun] = await this.sql<{ at: Date }[]>`select clock_timestamp() as at`;
    for (const worker of workers) await worker.wake();
    await this.#commit();
    await pause(300);
    const committedMs: number[] = [];
    for (let sample = 0; sample < samples; sample++) {
      await pause(30 + Math.random() * 90);
      committedMs.push(await this.#commit());
    }
    await pause(2000);
    const rows = await this.sql<{ id: string }[]>`
      select private.message_id(id) as id from public.guardian_meta_webhook_events
      where tenant_id = ${this.otherTenantId} and created_at >= ${begun!.at} order by created_at`;
    const arrivals = await this.other.arrivals();
    return committedMs.map((ms, index) => (arrivals[rows[index + 1]!.id] ?? Infinity) - ms);
  }

  async #commit(): Promise<number> {
    return await this.sql.begin(async (transaction) => {
      await transaction`insert into public.guardian_readiness_snapshots (tenant_id, overall_score, band)
        values (${this.otherTenantId}, 72, 'operational')`;
      return performance.timeOrigin + performance.now();
    });
  }

  /** Until so many requests wait for the answer of an endpoint that hangs. */
  async untilHanging(requests: number): Promise<number> {
    for (;;) {
      const { maxInflight } = await this.hanging.stats();
      if (maxInflight >= requests) return maxInflight;
      await pause(100);
    }
  }

  /** Until the workers have let their promises lapse. */
  async untilAsleep(): Promise<void> {
    for (;;) {
      const [row] = await this.sql`select awake_until < clock_timestamp() - interval '1 second' as asleep
        from private.drainers where name = ${WORKER}`;
      if (row!.asleep) return;
      await pause(50);
    }
  }

  async stop(): Promise<void> {
    await this.hanging.stop();
    await this.other.stop();
  }
}
