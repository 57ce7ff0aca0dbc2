import assert from "node:assert/strict";
import postgres from "postgres";
import { eventually, withBareStack } from "../support/bare_stack.ts";

const WRITERS = 4;
const RECEIPTS = 150;

interface Setting {
  sql: postgres.Sql;
  admin: postgres.Sql;
  tenantId: string;
  webhookIds: string[];
  connect(): postgres.Sql;
}

/** A test in which no schedule runs, on a tenant with three webhooks. */
function rollupTest(name: string, run: (setting: Setting) => Promise<void>): void {
  Deno.test({
    name,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () =>
      withBareStack(async ({ sql, admin, stack }) => {
        await admin`update cron.job set active = false`;
        const [tenant] =
          await sql`insert into public.tenants (name, slug) values ('Sums', 'sums') returning id`;
        const webhooks =
          await sql`insert into public.integration_webhooks (tenant_id, provider, name, secret_ref)
          select ${
            tenant!.id
          }, 'generic_hmac', 'Sums ' || n, gen_random_uuid() from generate_series(1, 3) as n returning id`;
        const clients: postgres.Sql[] = [];
        const connect = () => {
          clients.push(postgres(stack.dbUrl, { max: 1, onnotice: () => {} }));
          return clients.at(-1)!;
        };
        try {
          await run({ sql, admin, tenantId: tenant!.id, webhookIds: webhooks.map((row) => row.id), connect });
        } finally {
          await Promise.all(clients.map((client) => client.end({ timeout: 1 })));
        }
      }, { migrations: true }),
  });
}

/** A receipt of two events and one duplicate, 10 bytes long; `agoMs` = how long before its writing. */
async function receive(sql: postgres.Sql, tenantId: string, webhookId: string, agoMs = 0): Promise<void> {
  await sql`insert into public.webhook_receipts
    (id, tenant_id, webhook_id, provider, request_id, body_bytes, event_count, duplicate_count, received_at)
    values (gen_random_uuid(), ${tenantId}, ${webhookId}, 'generic_hmac', 'race', 10, 2, 1,
      clock_timestamp() - ${agoMs} * interval '1 millisecond')`;
}

const rollUp = async (sql: postgres.Sql) => {
  const [row] =
    await sql`select private.roll_up_webhook_statistics('1 hour', '300 milliseconds', '0') as walked`;
  return row!.walked as string | null;
};

async function totals(sql: postgres.Sql, tenantId: string, webhookIds: string[]) {
  let sum = { received: 0, events: 0, duplicates: 0, body_bytes: 0 };
  for (const id of webhookIds) {
    const [row] = await sql`select public.webhook_statistics_series(
      ${tenantId}, ${id}, now() - interval '1 day', now() + interval '1 hour', 'hour') -> 'total' as total`;
    const { received, events, duplicates, body_bytes } = row!.total;
    sum = {
      received: sum.received + received,
      events: sum.events + events,
      duplicates: sum.duplicates + duplicates,
      body_bytes: sum.body_bytes + body_bytes,
    };
  }
  return sum;
}

const ofReceipts = (count: number) => ({
  received: count,
  events: 2 * count,
  duplicates: count,
  body_bytes: 10 * count,
});

rollupTest(
  "RACE: a receipt that is committed after a later one is counted, once",
  async ({ sql, tenantId, webhookIds, connect }) => {
    const slow = connect();
    await sql`update private.webhook_rollup set through = clock_timestamp()`;
    await slow`begin`;
    await receive(slow, tenantId, webhookIds[0]!);
    await receive(sql, tenantId, webhookIds[0]!);
    assert.equal(await rollUp(sql), null, "nothing is settled while an earlier one may still come");
    assert.deepEqual(await totals(sql, tenantId, webhookIds), ofReceipts(1), "what is committed is read");
    await slow`commit`;
    assert.notEqual(await rollUp(sql), null);
    assert.deepEqual(await totals(sql, tenantId, webhookIds), ofReceipts(2));
    const [kept] = await sql`select sum(received_count)::int as n from private.webhook_statistics`;
    assert.equal(kept!.n, 2, "both are rolled up");
  },
);

rollupTest(
  "RACE: who begins to write while the rollup waits does not hold it up, and is counted the next time",
  async ({ sql, admin, tenantId, webhookIds, connect }) => {
    const [first, second] = [connect(), connect()];
    await sql`update private.webhook_rollup set through = clock_timestamp()`;
    await first`begin`;
    await receive(first, tenantId, webhookIds[0]!);
    const rolling =
      connect()`select private.roll_up_webhook_statistics('1 hour', '20 seconds', '0') as walked`.execute();
    const isWaiting = async () =>
      (await admin`select from pg_stat_activity where wait_event = 'PgSleep'`).length > 0;
    await eventually("it waits for the first", 10_000, isWaiting);
    await second`begin`;
    await receive(second, tenantId, webhookIds[0]!);
    await first`commit`;
    assert.notEqual((await rolling)[0]!.walked, null);
    const [kept] = await sql`select sum(received_count)::int as n from private.webhook_statistics`;
    assert.equal(kept!.n, 1);
    await second`commit`;
    await rollUp(sql);
    assert.deepEqual(await totals(sql, tenantId, webhookIds), ofReceipts(2));
  },
);

rollupTest(
  "RACE: rollups beside each other, writers, counters and readers count every receipt once",
  async ({ sql, admin, tenantId, webhookIds, connect }) => {
    await sql`update private.webhook_rollup set through = clock_timestamp()`;
    let isWriting = true;
    const writers = Array.from({ length: WRITERS }, connect).map(async (client, index) => {
      for (let nth = 0; nth < RECEIPTS; nth++) {
        await client`begin`;
        await receive(client, tenantId, webhookIds[(nth + index) % 3]!);
        // Some take a while until they commit.
        if (nth % 25 === index) await client`select pg_sleep(0.15)`;
        await client`commit`;
      }
    });
    const rollups = [connect(), connect()].map(async (client) => {
      while (isWriting) await rollUp(client);
    });
    let counted = 0;
    const counting = (async (client: postgres.Sql) => {
      while (isWriting) {
        const counts = webhookIds.toReversed().map((id) => ({ webhook_id: id, refused: 1 }));
        await client`select public.count_webhook_requests(${client.json(counts)})`;
        counted += counts.length;
      }
    })(connect());
    const reading = (async (client: postgres.Sql) => {
      let seen = 0;
      while (isWriting) {
        const { received, events } = await totals(client, tenantId, webhookIds);
        assert.ok(received >= seen && events === 2 * received, `${received} after ${seen}, ${events} events`);
        seen = received;
      }
    })(connect());
    const written = Promise.all(writers).finally(() => isWriting = false);
    await Promise.all([written, ...rollups, counting, reading]);
    const total = ofReceipts(WRITERS * RECEIPTS);
    assert.deepEqual(await totals(sql, tenantId, webhookIds), total, "partly rolled up");
    await rollUp(sql);
    assert.deepEqual(await totals(sql, tenantId, webhookIds), total, "rolled up");
    const [kept] =
      await admin`select sum(received_count)::int as received, sum(refused_count)::int as refused,
      (select sum(event_count)::int from public.webhook_receipts) as events from private.webhook_statistics`;
    assert.deepEqual({ ...kept }, { received: total.received, refused: counted, events: total.events });
  },
);

rollupTest(
  "RACE: after an outage it catches up in pieces, and a worker that dies in one counts nothing",
  async ({ sql, tenantId, webhookIds, connect }) => {
    await sql`update private.webhook_rollup set through = clock_timestamp() - interval '3 hours'`;
    for (let nth = 0; nth < 18; nth++) {
      await receive(sql, tenantId, webhookIds[nth % 3]!, (3 * 3600 - 300 - 590 * nth) * 1000);
    }
    const dying = connect().begin(async (transaction) => {
      await transaction`select private.roll_up_webhook_statistics()`;
      throw new Error("the worker died");
    });
    await assert.rejects(dying, /the worker died/);
    assert.deepEqual(await totals(sql, tenantId, webhookIds), ofReceipts(18));
    await sql`call private.work_off_webhook_statistics()`;
    const [row] = await sql`select sum(received_count)::int as received, count(distinct hour)::int as hours,
      (select through > clock_timestamp() - interval '10 seconds' from private.webhook_rollup) as is_there
      from private.webhook_statistics`;
    assert.deepEqual([row!.received, row!.is_there], [18, true]);
    assert.ok(row!.hours >= 3);
    assert.deepEqual(await totals(sql, tenantId, webhookIds), ofReceipts(18));
  },
);
