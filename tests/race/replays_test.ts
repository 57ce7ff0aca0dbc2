import assert from "node:assert/strict";
import type postgres from "postgres";
import { resultColumns } from "../../supabase/functions/_shared/delivery/contract.ts";
import { withBareStack } from "../support/bare_stack.ts";

interface Setting {
  sql: postgres.Sql;
  admin: postgres.Sql;
  tenantId: string;
  integrationId: string;
}

/** A test in which nobody works but the test itself, on deliveries that were given up. */
function raceTest(name: string, count: number, run: (setting: Setting) => Promise<void>): void {
  Deno.test({
    name,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () =>
      withBareStack(async ({ sql, admin }) => {
        await sql`select cron.unschedule('interlock-replays')`;
        const [tenant] =
          await sql`insert into public.tenants (name, slug) values ('Race', 'race') returning id`;
        const config = sql.json({ webhook_url: "https://example.com/", max_in_flight: 100, max_attempts: 1 });
        const [row] = await sql`select public.create_guardian_meta_integration(
          ${tenant!.id}, 'race', 'Race', null, true, ${config}, null, ${["readiness"]}, '{}',
          'whsec_c2FtcGxlLXNhbXBsZS1zYW1wbGUtc2FtcGxlLXNhbXBsZQ==', null) ->> 'id' as id`;
        await admin`insert into public.guardian_meta_webhook_events
          (tenant_id, integration_id, event_type, status, finished_at, attempt_count)
          select ${tenant!.id}, ${row!.id}, 'readiness_updated', 'discarded', clock_timestamp(), 1
          from generate_series(1, ${count})`;
        await admin`insert into private.delivery_dead_letters
          (delivery_id, tenant_id, integration_id, kind, error_class, discarded_at)
          select id, tenant_id, integration_id, 'guardian_meta', 'timed_out', finished_at
          from public.guardian_meta_webhook_events`;
        await run({ sql, admin, tenantId: tenant!.id, integrationId: row!.id });
      }, { migrations: true }),
  });
}

async function startReplay({ sql, tenantId }: Setting, status = "discarded"): Promise<string> {
  const filter = sql.json({ from: "2020-01-01T00:00:00Z", to: "2100-01-01T00:00:00Z", status });
  const [row] = await sql`select public.create_delivery_replay(
    ${tenantId}, null, 'guardian_meta', 'replay', ${filter}, false, null) ->> 'id' as id`;
  return row!.id;
}

async function numbers({ admin }: Setting) {
  const [row] = await admin`select
    (select count(*)::int from private.delivery_queue) as queued,
    (select count(*)::int from private.delivery_dead_letters) as dead,
    (select sum(replays)::int from public.guardian_meta_webhook_events) as replays`;
  return row as { queued: number; dead: number; replays: number };
}

raceTest(
  "RACE: a cancel stops a replay that is being worked off, between two slices",
  30_000,
  async (setting) => {
    const { sql, tenantId } = setting;
    const id = await startReplay(setting);
    const work = sql`call private.work_off_replays()`.execute();
    const done = async () =>
      (await sql`select done from public.delivery_replays where id = ${id}`)[0]!.done as number;
    while (await done() < 3000);
    const [row] = await sql`select public.cancel_delivery_replay(${tenantId}, ${id}, null) as replay`;
    const { replay } = row!;
    await work;
    assert.equal(replay.state, "cancelled");
    assert.ok(replay.done >= 3000 && replay.done < 30_000, `done: ${replay.done}`);
    assert.equal(await done(), replay.done, "no slice followed");
    assert.deepEqual(await numbers(setting), {
      queued: replay.done,
      dead: 30_000 - replay.done,
      replays: replay.done,
    });
  },
);

raceTest(
  "RACE: a replay whose worker dies in a slice does that slice again, and no delivery twice",
  3500,
  async (setting) => {
    const { sql } = setting;
    const id = await startReplay(setting);
    for (let crash = 0; crash < 2; crash++) {
      // To the database a worker that dies is a transaction that does not commit.
      const dying = sql.begin(async (transaction) => {
        const [advanced] = await transaction`select private.advance_replays() as outcome`;
        assert.equal(advanced!.outcome, "advanced");
        assert.equal(
          (await sql`select private.advance_replays() as outcome`)[0]!.outcome,
          "idle",
          "one at a time",
        );
        throw new Error("the worker died");
      });
      await assert.rejects(dying, /the worker died/);
      await sql`select private.advance_replays()`;
    }
    await sql`call private.work_off_replays()`;
    const [job] = await sql`select state, done from public.delivery_replays where id = ${id}`;
    assert.deepEqual({ ...job }, { state: "done", done: 3500 });
    assert.deepEqual(await numbers(setting), { queued: 3500, dead: 0, replays: 3500 });
  },
);

raceTest(
  "RACE: replays of the same deliveries, by ids in any order and as jobs, neither hang nor queue twice",
  1500,
  async (setting) => {
    const { sql, tenantId } = setting;
    const ids = (await sql`select id from public.guardian_meta_webhook_events order by id`).map((row) =>
      row.id
    );
    const byIds = async (order: string[]) =>
      (await sql`select public.replay_deliveries(${tenantId}, ${order}, null) as count`)[0]!.count as number;
    const counts = await Promise.all([
      byIds(ids),
      byIds(ids.toReversed()),
      startReplay(setting, "any").then(() => 0),
    ]);
    await sql`call private.work_off_replays()`;
    assert.deepEqual(await numbers(setting), { queued: 1500, dead: 0, replays: 1500 });
    assert.ok(counts.every((count) => count <= 1500));
  },
);

raceTest(
  "RACE: however often it is replayed under live workers, a delivery is in flight once",
  150,
  async (setting) => {
    const { sql, admin, tenantId, integrationId } = setting;
    const ids = (await sql`select id from public.guardian_meta_webhook_events`).map((row) =>
      row.id as string
    );
    const held = new Set<string>();
    let claims = 0;
    let isOver = false;
    const worker = async () => {
      while (!isOver || held.size > 0) {
        const [row] = await sql`select public.exchange_deliveries('{}', 20, 60000) as answer`;
        const claimed = row!.answer.claimed as
          | { lease_token: string; deliveries: { delivery_id: string }[] }
          | null;
        if (claimed === null) {
          if (isOver) return;
          continue;
        }
        for (const { delivery_id } of claimed.deliveries) {
          assert.ok(!held.has(delivery_id), "in flight twice");
          held.add(delivery_id);
          claims++;
        }
        const results = claimed.deliveries.map(({ delivery_id }) => ({
          ...{ delivery_id, integration_id: integrationId, lease_token: claimed.lease_token },
          ...{
            outcome: "delivered",
            endpoint_failed: false,
            began_after_ms: 0,
            duration_ms: 1,
            status_code: 204,
          },
        }));
        for (const { delivery_id } of claimed.deliveries) held.delete(delivery_id);
        await sql`select public.exchange_deliveries(${sql.json(resultColumns(results))}, 0, 60000)`;
      }
    };
    const replayer = async () => {
      for (let round = 0; round < 15; round++) {
        await startReplay(setting, "any");
        await sql`select public.replay_deliveries(${tenantId}, ${
          ids.toSorted(() => Math.random() - 0.5)
        }, null)`;
      }
    };
    const workers = [worker(), worker()];
    await Promise.all([replayer(), replayer()]).finally(() => isOver = true);
    await Promise.all(workers);
    const [row] = await admin`select
    (select count(*)::int from private.delivery_queue q join private.delivery_flights f using (delivery_id)) as both,
    (select count(*)::int from public.guardian_meta_webhook_attempts) as attempts,
    (select max(attempt_count) - 1 from public.guardian_meta_webhook_events) as most`;
    assert.equal(row!.both, 0);
    assert.equal(row!.attempts, claims, "every claim made one attempt");
    assert.ok(row!.most >= 2, "deliveries went out several times");
  },
);
