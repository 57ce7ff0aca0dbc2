import assert from "node:assert/strict";
import type postgres from "postgres";
import { withBareStack } from "../support/bare_stack.ts";

/** A Monday. */
const MONDAY = "2026-09-07T00:00:00Z";

/** One webhook whose hours the test writes, and a watch dog that looks when the test says what time it is. */
interface Watched {
  sql: postgres.Sql;
  tenantId: string;
  webhookId: string;
  /** Hours since MONDAY; a fraction is part of an hour. */
  at(hour: number): string;
  /** Lets it speak all through the hours, one receipt a minute, of `from` to before `to` that meet the condition over `h`. */
  speaks(from: number, to: number, condition?: string): Promise<void>;
  /** Looks at an hour; answers what was told so far, oldest first. */
  look(hour: number): Promise<string[]>;
}

function watchTest(name: string, run: (watched: Watched) => Promise<void>): void {
  Deno.test({
    name: `WATCH DOG: ${name}`,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () =>
      withBareStack(async ({ sql, admin }) => {
        await admin`update cron.job set active = false`;
        const [tenant] =
          await sql`insert into public.tenants (name, slug) values ('Watch', 'watch') returning id`;
        const [webhook] =
          await sql`insert into public.integration_webhooks (tenant_id, provider, name, secret_ref)
          values (${tenant!.id}, 'generic_hmac', 'Watch', gen_random_uuid()) returning id`;
        await sql`update private.webhook_watch set watched_since = ${MONDAY}`;
        const [tenantId, webhookId] = [tenant!.id, webhook!.id];
        const at = (hour: number) => new Date(Date.parse(MONDAY) + hour * 3_600_000).toISOString();
        await run({
          ...{ sql, tenantId, webhookId, at },
          speaks: async (from, to, condition = "true") => {
            await sql`insert into private.webhook_statistics
                (webhook_id, tenant_id, hour, received_count, first_received_at, last_received_at)
              select ${webhookId}, ${tenantId}, t.at, 60, t.at, t.at + interval '59 minutes'
              from (
                select ${MONDAY}::timestamptz + h * interval '1 hour' as at, h,
                  h % 24 as hour_of_day, h / 24 % 7 as day from generate_series(${from}::int, ${
              to - 1
            }::int) as h
              ) t where ${sql.unsafe(condition)}
              on conflict (webhook_id, hour) do nothing`;
          },
          look: async (hour) => {
            await sql`update private.webhook_rollup set through = ${at(hour)}`;
            await sql`select private.watch_webhooks(${at(hour)})`;
            return await told(sql);
          },
        });
      }, { migrations: true }),
  });
}

async function told(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql`select kind from public.notifications order by created_at`;
  return rows.map((row) => row.kind);
}

const WEEK = 168;
const DAY = 24;

watchTest(
  "one notice per silence, one when it is over, and the next silence is told again",
  async (watched) => {
    const { sql, webhookId, at, speaks, look } = watched;
    await speaks(0, 10 * DAY);
    const last = 10 * DAY - 1 / 60;
    assert.deepEqual(await look(last + 1.9), [], "no longer than hours can tell");
    assert.deepEqual(await look(last + 2.1), ["webhook.silent"]);
    for (const later of [3, 30, 300]) {
      assert.deepEqual(
        await look(last + later),
        ["webhook.silent"],
        `${later} h`,
      );
    }
    const [notice] = await sql`select * from public.notifications`;
    assert.deepEqual(
      [notice!.severity, notice!.subject_type, notice!.subject_id],
      ["warning", "integration_webhook", webhookId],
    );
    assert.deepEqual(
      [Date.parse(notice!.details.silent_since), notice!.details.longest_gap_seconds],
      [Date.parse(at(last)), 60],
    );
    const [event] =
      await sql`select payload from public.integration_events_outbox where event_type = 'webhook.silent'`;
    assert.equal(event!.payload.webhook_id, webhookId, "it can leave as a webhook");
    const back = 10 * DAY + 301;
    await speaks(back, back + 1);
    const two = ["webhook.silent", "webhook.speaks_again"];
    assert.deepEqual(await look(back + 1), two);
    assert.deepEqual(await look(back + 2), two);
    await speaks(back + 1, back + 8 * DAY);
    // It was silent for 300 hours once: no less is unusual, until that has left the last four weeks.
    assert.deepEqual(await look(back + 9 * DAY), two);
    await speaks(back + 8 * DAY, back + 40 * DAY);
    assert.deepEqual(await look(back + 40 * DAY + 3), [...two, "webhook.silent"]);
  },
);

watchTest("a weekend is no silence, a Tuesday is, within hours", async ({ speaks, look }) => {
  const office = "day < 5 and hour_of_day between 8 and 17";
  await speaks(0, 5 * WEEK, office);
  for (let hour = 5 * WEEK - 54; hour < 5 * WEEK + 8; hour++) {
    assert.deepEqual(await look(hour), [], `hour ${hour}`);
  }
  await speaks(5 * WEEK, 5 * WEEK + DAY + 11, office);
  const tuesday = 5 * WEEK + DAY;
  assert.deepEqual(await look(tuesday + 14.9), [], "11 to 13 o'clock");
  assert.deepEqual(await look(tuesday + 15), ["webhook.silent"]);
});

watchTest("after its first weekend, one is usual; before it nobody knows", async ({ speaks, look }) => {
  const office = "day < 5 and hour_of_day between 8 and 17";
  await speaks(0, 5 * DAY, office);
  for (const hour of [5 * DAY, 6 * DAY, 7 * DAY - 1]) assert.deepEqual(await look(hour), []);
  await speaks(WEEK, WEEK + 5 * DAY, office);
  for (let hour = WEEK + 4 * DAY + 20; hour < 2 * WEEK + 8; hour++) assert.deepEqual(await look(hour), []);
  const friday = WEEK + 4 * DAY + 18;
  assert.deepEqual(await look(friday + 2 * 62 + 1), ["webhook.silent"], "twice a weekend");
});

watchTest("one that speaks every night is silent after the second night", async ({ speaks, look }) => {
  await speaks(0, 25 * DAY, "hour_of_day = 2");
  const last = 24 * DAY + 3;
  for (let hour = last; hour < last + 46; hour++) assert.deepEqual(await look(hour), []);
  assert.deepEqual(await look(last + 47), ["webhook.silent"]);
});

for (
  const [history, from, to, condition] of [
    ["five days", 0, 5 * DAY, "true"],
    ["one minute a day for two weeks", 0, 14 * DAY, "hour_of_day = 9"],
    ["nothing", 0, 0, "true"],
  ] as const
) {
  watchTest(`${history} of history is too little to call anything unusual`, async ({ speaks, look }) => {
    await speaks(from, to, condition);
    for (const after of [3, 30, 300, 3000]) assert.deepEqual(await look(to + after), []);
  });
}

watchTest("a deactivated one is not silent, and an activated one has time to begin", async (watched) => {
  const { sql, webhookId, at, speaks, look } = watched;
  const activate = async (isActive: boolean, hour: number) => {
    await sql`update public.integration_webhooks set is_active = ${isActive} where id = ${webhookId}`;
    await sql`update private.webhook_watch set watched_since = ${at(hour)}
      where watched_since > now() - interval '1 minute'`;
  };
  await speaks(0, 10 * DAY);
  await activate(false, 10 * DAY);
  for (const after of [3, 30, 300]) assert.deepEqual(await look(10 * DAY + after), []);
  await activate(true, 23 * DAY);
  assert.deepEqual(await look(23 * DAY + 1.9), []);
  assert.deepEqual(await look(23 * DAY + 2.1), ["webhook.silent"]);
  await activate(false, 24 * DAY);
  await activate(true, 24 * DAY);
  assert.deepEqual(await look(24 * DAY + 1), ["webhook.silent"], "whoever switched it knows");
  await sql`update public.integration_webhooks set is_active = false, deleted_at = now() where id = ${webhookId}`;
  assert.deepEqual(await look(24 * DAY + 5), ["webhook.silent"]);
});

watchTest("refused requests are no sign of life", async ({ sql, webhookId, tenantId, at, speaks, look }) => {
  await speaks(0, 10 * DAY);
  await sql`insert into private.webhook_statistics (webhook_id, tenant_id, hour, refused_count)
    select ${webhookId}, ${tenantId}, h, 9 from generate_series(${at(10 * DAY)}::timestamptz, ${
    at(11 * DAY)
  }, '1 hour') as h`;
  assert.deepEqual(await look(10 * DAY + 3), ["webhook.silent"]);
});

watchTest("a rollup that stands still is not taken for silence", async ({ sql, at, speaks }) => {
  await speaks(0, 10 * DAY);
  await sql`update private.webhook_rollup set through = ${at(10 * DAY)}`;
  await sql`select private.watch_webhooks(${at(20 * DAY)})`;
  assert.deepEqual(await told(sql), []);
});

watchTest("many who look at once tell it once", async ({ sql, at, speaks }) => {
  await speaks(0, 10 * DAY);
  await sql`update private.webhook_rollup set through = ${at(11 * DAY)}`;
  const others: Promise<unknown>[] = [];
  await sql.begin(async (transaction) => {
    await transaction`select private.watch_webhooks(${at(11 * DAY)})`;
    for (let nth = 0; nth < 2; nth++) {
      others.push(sql`select private.watch_webhooks(${at(11 * DAY)})`.execute());
    }
    await transaction`select pg_sleep(0.2)`;
  });
  await Promise.all(others);
  assert.deepEqual(await told(sql), ["webhook.silent"]);
});

watchTest("by chance alone hardly any gap is unusual", async ({ sql, webhookId, tenantId }) => {
  for (const perHour of [0.1, 0.5, 1, 2]) {
    await sql.begin(async (transaction) => {
      await transaction`select setseed(0.42)`;
      await transaction`delete from private.webhook_statistics`;
      await transaction`insert into private.webhook_statistics
          (webhook_id, tenant_id, hour, received_count, first_received_at, last_received_at)
        select ${webhookId}, ${tenantId}, date_trunc('hour', r.at, 'UTC'), count(*), min(r.at), max(r.at)
        from (
          select ${MONDAY}::timestamptz + sum(-ln(1 - random())) over (order by n) / ${perHour} * interval '1 hour' as at
          from generate_series(1, ${24 * 90 * perHour}::int) as n
        ) r group by 3`;
    });
    const [row] = await sql`
      select count(*)::int as gaps, count(*) filter (where s.is_unusual)::int as unusual
      from (
        select last_received_at as last, lead(first_received_at) over (order by hour) as next from private.webhook_statistics
      ) g
      cross join lateral private.webhook_silence(${webhookId}, g.last, ${MONDAY}, g.next) s
      where g.next - g.last > interval '2 hours'`;
    assert.ok(row!.gaps > 50, `${perHour} an hour: ${row!.gaps} gaps`);
    assert.equal(row!.unusual, 0, `${perHour} an hour, of ${row!.gaps} gaps`);
  }
});
