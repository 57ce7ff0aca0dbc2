import assert from "node:assert/strict";
import type postgres from "postgres";
import { withBareStack } from "../support/bare_stack.ts";

interface Setting {
  sql: postgres.Sql;
  tenantId: string;
  webhookId: string;
}

/** A test in which nobody works but the test itself, on dead dispatches; `batch` = events per receipt. */
function raceTest(
  name: string,
  receipts: number,
  batch: number,
  run: (setting: Setting) => Promise<void>,
): void {
  Deno.test({
    name,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () =>
      withBareStack(async ({ sql, admin }) => {
        await admin`update cron.job set active = false`;
        const [tenant] =
          await sql`insert into public.tenants (name, slug) values ('Race', 'race') returning id`;
        const [webhook] =
          await sql`insert into public.integration_webhooks (tenant_id, provider, name, secret_ref)
          values (${tenant!.id}, 'generic_hmac', 'Race', gen_random_uuid()) returning id`;
        await sql`with received as (
            insert into public.webhook_receipts
              (id, tenant_id, webhook_id, provider, request_id, body_bytes, event_count, duplicate_count, received_at)
            select gen_random_uuid(), ${tenant!.id}, ${webhook!.id}, 'generic_hmac', 'race', 2, ${batch}, 0,
              -- Many at the same instant: the order has to go on with their ids.
              now() - (n / 700) * interval '1 second' from generate_series(1, ${receipts}::int) as n
            returning id, tenant_id, webhook_id
          ),
          told as (
            insert into public.integration_events_outbox
              (tenant_id, event_type, entity_type, entity_id, payload, source, trace_id, webhook_id, receipt_id)
            select r.tenant_id, 'race.received', 'webhook', '1', '{}', 'x', 'x', r.webhook_id, r.id
            from received r cross join generate_series(1, ${batch}::int)
            returning id
          )
          insert into public.event_dispatches (tenant_id, event_id, consumer, status, finished_at)
          select ${tenant!.id}, t.id, 'nobody', 'dead', now() from told t`;
        await run({ sql, tenantId: tenant!.id, webhookId: webhook!.id });
      }, { migrations: true }),
  });
}

async function startReplay({ sql, tenantId, webhookId }: Setting, status?: "dead" | "done"): Promise<string> {
  const filter = sql.json({
    ...{ webhook_id: webhookId, from: "2020-01-01T00:00:00Z", to: "2100-01-01T00:00:00Z" },
    ...(status ? { status } : {}),
  });
  const [row] =
    await sql`select public.create_inbound_replay(${tenantId}, null, ${filter}, false, null) ->> 'id' as id`;
  return row!.id;
}

const jobOf = async ({ sql }: Setting, id: string) => {
  const [row] = await sql`select state, done, examined::int from public.delivery_replays where id = ${id}`;
  return { ...row } as { state: string; done: number; examined: number };
};

const numbers = async ({ sql }: Setting) => {
  const [row] = await sql`select count(*) filter (where status = 'pending')::int as pending,
    sum(replays)::int as replays, max(replays) as most from public.event_dispatches`;
  return { ...row };
};

for (const status of ["dead", undefined] as const) {
  raceTest(
    `RACE: slices go through ${status ?? "all"} without a gap or a second time, many of one instant included`,
    ...[4200, 1] as const,
    async (setting) => {
      const id = await startReplay(setting, status);
      assert.equal((await jobOf(setting, id)).state, "running");
      await setting.sql`call private.work_off_replays()`;
      assert.deepEqual(await jobOf(setting, id), { state: "done", done: 4200, examined: 4200 });
      assert.deepEqual(await numbers(setting), { pending: 4200, replays: 4200, most: 1 });
    },
  );
}

raceTest(
  "RACE: receipts of many events make short slices, and none is left out",
  ...[60, 300] as const,
  async (setting) => {
    const id = await startReplay(setting);
    const first = await jobOf(setting, id);
    assert.deepEqual([first.state, first.done, first.examined], ["running", 5100, 17]);
    await setting.sql`call private.work_off_replays()`;
    assert.deepEqual(await jobOf(setting, id), { state: "done", done: 18_000, examined: 60 });
    assert.deepEqual(await numbers(setting), { pending: 18_000, replays: 18_000, most: 1 });
  },
);

raceTest(
  "RACE: a worker that dies in a slice does it again, and one at a time works on a job",
  ...[2500, 1] as const,
  async (setting) => {
    const { sql } = setting;
    const id = await startReplay(setting, "dead");
    for (let crash = 0; crash < 2; crash++) {
      const dying = sql.begin(async (transaction) => {
        const [advanced] = await transaction`select private.advance_replays() as outcome`;
        assert.equal(advanced!.outcome, "advanced");
        assert.equal((await sql`select private.advance_replays() as outcome`)[0]!.outcome, "idle");
        throw new Error("the worker died");
      });
      await assert.rejects(dying, /the worker died/);
    }
    await sql`call private.work_off_replays()`;
    assert.deepEqual(await jobOf(setting, id), { state: "done", done: 2500, examined: 2500 });
    assert.deepEqual(await numbers(setting), { pending: 2500, replays: 2500, most: 1 });
  },
);

raceTest(
  "RACE: replays of the same dispatches, by ids in any order and as jobs, neither hang nor replay twice",
  ...[1500, 1] as const,
  async (setting) => {
    const { sql, tenantId } = setting;
    const ids = (await sql`select id from public.event_dispatches order by id`).map((row) =>
      row.id as number
    );
    const byIds = (order: number[]) =>
      sql`select public.replay_event_dispatches(${tenantId}, ${order}::bigint[], null) as count`.execute();
    await Promise.all([
      byIds(ids),
      byIds(ids.toReversed()),
      startReplay(setting),
      startReplay(setting, "dead"),
    ]);
    await sql`call private.work_off_replays()`;
    assert.deepEqual(await numbers(setting), { pending: 1500, replays: 1500, most: 1 });
  },
);
