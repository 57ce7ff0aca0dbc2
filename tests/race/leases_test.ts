import assert from "node:assert/strict";
import postgres from "postgres";
import { sql, stack, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";

/** Dispatches of a consumer that no worker knows, so that the running event-dispatch never finishes them. */
async function queueDispatches(tenantId: string, count: number): Promise<void> {
  // Leased far ahead until the test claims: the live drainer must not take them.
  await sql`with events as (
      insert into public.integration_events_outbox (tenant_id, event_type, entity_type, entity_id, payload, source, trace_id)
      select ${tenantId}, 'test.lease', 'test', n::text, '{}', 'test', 'test' from generate_series(1, ${count}) n
      returning id, tenant_id)
    insert into public.event_dispatches (tenant_id, event_id, consumer, next_attempt_at)
    select tenant_id, id, 'nobody', now() + interval '1 hour' from events`;
}

type Claimed = { dispatch_id: number; lease_token: string; event: { tenant_id: string } }[];

/**
 * Claims inside a transaction that first makes the tenants' dispatches due and puts off again what it left, so that
 * the running event-dispatch never sees them due.
 */
async function claimWithin(connection: postgres.Sql, tenantIds: string[], limit: number): Promise<Claimed> {
  return await connection.begin(async (transaction) => {
    await transaction`update public.event_dispatches set next_attempt_at = now() - interval '1 minute'
      where id in (select id from public.event_dispatches where tenant_id in ${
      transaction(tenantIds)
    } and status = 'pending' and lease_token is null
        for update skip locked)`;
    const [row] = await transaction`select public.claim_event_dispatches(${limit}, 60000) as claimed`;
    await transaction`update public.event_dispatches set next_attempt_at = now() + interval '1 hour'
      where tenant_id in ${transaction(tenantIds)} and status = 'pending' and lease_token is null
        and next_attempt_at < now()`;
    return row!.claimed as Claimed;
  }) as Claimed;
}

const mine = (claimed: Claimed, tenantIds: string[]) =>
  claimed.filter((dispatch) => tenantIds.includes(dispatch.event.tenant_id));

stackTest("two workers never claim the same dispatch", async () => {
  const tenant = await createTenant();
  await queueDispatches(tenant.id, 200);
  const connections = [1, 2, 3, 4].map(() => postgres(stack.dbUrl, { max: 1, onnotice: () => {} }));
  try {
    const seen: number[] = [];
    await Promise.all(connections.map(async (connection) => {
      // How much of a claim is this tenant's share depends on who else waits; a connection may find all rows locked.
      for (let empty = 0; empty < 100 && seen.length < 200;) {
        const claimed = mine(await claimWithin(connection, [tenant.id], 10), [tenant.id]);
        seen.push(...claimed.map((dispatch) => dispatch.dispatch_id));
        empty = claimed.length === 0 ? empty + 1 : 0;
      }
    }));
    assert.equal(seen.length, 200);
    assert.equal(new Set(seen).size, 200);
  } finally {
    await Promise.all(connections.map((connection) => connection.end({ timeout: 1 })));
  }
});

stackTest("a worker that slept past its lease changes nothing, the one that took over does", async () => {
  const tenant = await createTenant();
  await queueDispatches(tenant.id, 1);
  const [first] = mine(await claimWithin(sql, [tenant.id], 10), [tenant.id]);
  assert.ok(first);
  // The lease runs out and another worker claims, in one transaction: no live drainer can come between.
  const second = await sql.begin(async (transaction) => {
    await transaction`update public.event_dispatches set next_attempt_at = now() - interval '1 second', lease_until = now() - interval '1 second'
      where id = ${first.dispatch_id}`;
    const [row] = await transaction`select public.claim_event_dispatches(500, 60000) as claimed`;
    return mine(row!.claimed, [tenant.id])[0]!;
  });
  const finish = async (token: string) => {
    const results = [{
      dispatch_id: first.dispatch_id,
      lease_token: token,
      outcome: "done",
      error_code: null,
      error: null,
      retry_in_ms: null,
    }];
    const [row] = await sql`select public.finish_event_dispatches(${sql.json(results)}) as changed`;
    return row!.changed;
  };
  assert.notEqual(second.lease_token, first.lease_token);
  assert.equal(await finish(first.lease_token), 0);
  assert.equal(await finish(second.lease_token), 1);
  assert.equal(await finish(second.lease_token), 0);
});

stackTest("one tenant's backlog leaves the others their share of every claim", async () => {
  const [large, small] = [await createTenant(), await createTenant()];
  await queueDispatches(large.id, 1000);
  await queueDispatches(small.id, 3);
  const claimed = await claimWithin(sql, [large.id, small.id], 100);
  assert.equal(mine(claimed, [small.id]).length, 3);
  assert.ok(mine(claimed, [large.id]).length >= 20);
  await sql`update public.event_dispatches set status = 'done', finished_at = now() where tenant_id in (${large.id}, ${small.id})`;
});

stackTest("a dispatch whose workers keep disappearing ends dead with that reason", async () => {
  const tenant = await createTenant();
  await queueDispatches(tenant.id, 1);
  await sql`update public.event_dispatches set attempts = max_attempts where tenant_id = ${tenant.id}`;
  assert.deepEqual(mine(await claimWithin(sql, [tenant.id], 500), [tenant.id]), []);
  const [row] =
    await sql`select status, last_error_code from public.event_dispatches where tenant_id = ${tenant.id}`;
  assert.deepEqual([row!.status, row!.last_error_code], ["dead", "WORKER_LOST"]);
});

stackTest("two owners who leave at once cannot both go", async () => {
  const tenant = await createTenant();
  await sql`update public.tenant_members set role = 'owner' where tenant_id = ${tenant.id} and user_id = ${tenant.users.admin.id}`;
  const leave = (userId: string) =>
    sql`delete from public.tenant_members where tenant_id = ${tenant.id} and user_id = ${userId}`.then(
      () => "left",
      (error) => error.code,
    );
  const outcomes = await Promise.all([leave(tenant.users.owner.id), leave(tenant.users.admin.id)]);
  assert.deepEqual(outcomes.sort(), ["IL409", "left"]);
});
