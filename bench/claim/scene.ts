import type postgres from "postgres";
import { resultColumns } from "../../supabase/functions/_shared/delivery/contract.ts";
import { median } from "../measure/statistics.ts";

/** Deliveries a call claims and reports. */
export const CLAIMED = 128;
const TENANTS = 4;
const LANES_OF_TENANT = 4;
/** Subscriptions that one event fans out to. */
export const SUBSCRIPTIONS = 1000;
const BODY = JSON.stringify({ type: "readiness_updated", data: { filler: "x".repeat(150) } });

/** Nothing is signed with it. */
const SECRET = `whsec_${btoa("bench".repeat(6))}`;

interface Claim {
  lease_token: string;
  deliveries: { delivery_id: string; integration_id: string }[];
}

/** Tenants and subscriptions to queue for; nobody delivers but the bench. */
export class Scene {
  private constructor(
    private readonly sql: postgres.Sql,
    private readonly tenantIds: string[],
    private readonly fanOutTenantId: string,
  ) {}

  static async prepare(sql: postgres.Sql): Promise<Scene> {
    await sql`update cron.job set active = false`;
    await sql`update private.drainers set awake_until = 'infinity'`;
    const tenants = await sql<{ id: string }[]>`
      insert into public.tenants (name, slug) select 'Bench', 'bench-' || n from generate_series(0, ${TENANTS}) n returning id`;
    const [fanOut, ...others] = tenants.map(({ id }) => id);
    const config = sql.json({ webhook_url: "https://example.com/", max_in_flight: 100 });
    const add = async (ids: string[], key: string, count: number) =>
      await sql`
        insert into public.guardian_meta_integrations (tenant_id, integration_key, label, scopes, config, secret_ref)
        select t.id, ${key} || n, 'Bench', '{readiness}', ${config}, public.store_secret(t.id, ${SECRET}, 'bench')
        from unnest(${ids}::uuid[]) as t (id), generate_series(1, ${count}) n`;
    await add(others, "lane-", LANES_OF_TENANT);
    await add([fanOut!], "fan-", SUBSCRIPTIONS);
    await sql`
      insert into public.event_subscriptions (tenant_id, label, event_types, config, secret_ref, filter, filter_path)
      select ${fanOut!}, 'Bench', '{contact.*}', ${config}, public.store_secret(${fanOut!}, ${SECRET}, 'bench'),
        case when n % 2 = 0 then '{}'::jsonb end, case when n % 2 = 0 then '$.payload.score > 10'::jsonpath end
      from generate_series(1, ${SUBSCRIPTIONS}) n`;
    return new Scene(sql, others, fanOut!);
  }

  async #queue(): Promise<void> {
    await this.sql`insert into public.guardian_readiness_snapshots (tenant_id, overall_score, band)
      select t.id, 72, 'operational' from unnest(${this.tenantIds}::uuid[]) as t (id),
        generate_series(1, ${CLAIMED / TENANTS / LANES_OF_TENANT})`;
  }

  async #exchange(claim: Claim | null, limit: number): Promise<{ claim: Claim | null; ms: number }> {
    const results = JSON.stringify(
      resultColumns(claim?.deliveries.map((one) => resultOf(one, claim.lease_token)) ?? []),
    );
    const startedMs = performance.now();
    const [row] = await this.sql<{ answer: { finished: number; claimed: Claim | null } }[]>`
      select public.exchange_deliveries(${results}::text::jsonb, ${limit}, 90000) as answer`;
    const ms = performance.now() - startedMs;
    const { finished, claimed } = row!.answer;
    const claimedCount = claimed?.deliveries.length ?? 0;
    if (finished !== (claim?.deliveries.length ?? 0) || claimedCount !== limit) {
      throw new Error(`${finished} were taken and ${claimedCount} claimed; nothing can be said of that.`);
    }
    return { claim: claimed, ms };
  }

  /** Milliseconds of one call that reports CLAIMED deliveries and claims as many, several times. */
  async claimMs(samples: number): Promise<number[]> {
    await this.#queue();
    let { claim } = await this.#exchange(null, CLAIMED);
    const found: number[] = [];
    for (let sample = -3; sample < samples; sample++) {
      await this.#queue();
      const exchanged = await this.#exchange(claim, CLAIMED);
      claim = exchanged.claim;
      if (sample >= 0) found.push(exchanged.ms);
    }
    await this.#exchange(claim, 0);
    return found;
  }

  /** Median of the milliseconds that the one insert of an event takes that SUBSCRIPTIONS want. */
  async fanOutMs(eventType: string, samples: number): Promise<number> {
    const found: number[] = [];
    for (let sample = -2; sample < samples; sample++) {
      const [before] = await this.sql`select count(*)::integer as count from private.delivery_queue`;
      const startedMs = performance.now();
      await this.sql`insert into public.integration_events_outbox
        (tenant_id, event_type, entity_type, entity_id, payload, source, trace_id)
        values (${this.fanOutTenantId}, ${eventType}, 'bench', '1', '{"score": 72}', 'bench', 'bench')`;
      if (sample >= 0) found.push(performance.now() - startedMs);
      const [after] = await this.sql`select count(*)::integer as count from private.delivery_queue`;
      if (after!.count - before!.count !== SUBSCRIPTIONS) {
        throw new Error("The event did not reach everybody.");
      }
      await this.sql`delete from private.delivery_queue where tenant_id = ${this.fanOutTenantId}`;
    }
    return median(found);
  }
}

function resultOf(claimed: Claim["deliveries"][number], leaseToken: string) {
  return {
    delivery_id: claimed.delivery_id,
    integration_id: claimed.integration_id,
    lease_token: leaseToken,
    outcome: "delivered",
    endpoint_failed: false,
    status_code: 200,
    began_after_ms: 1,
    duration_ms: 1,
    timing: { resolve_ms: null, connect_ms: null, tls_ms: null, first_byte_ms: 1 },
    response_excerpt: "ok",
    request_body: BODY,
  };
}
