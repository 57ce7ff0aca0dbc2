import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import { deliveryWith, startTestSink, type TestSink, writeReadiness } from "../support/outbound.ts";
import { adminSql, eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";

type Query = Record<string, string | number>;

async function get(tenant: TestTenant, path: string, query: Query = {}) {
  const text = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  const answer = await call(`guardian-meta/${path}?${text}`, { user: tenant.users.manager });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

const post = async (tenant: TestTenant, path: string, body?: unknown) =>
  await call(`guardian-meta/${path}`, { method: "POST", user: tenant.users.manager, body });

/** Every id of a list, page by page, and how many pages it took. */
async function walk(tenant: TestTenant, query: Query): Promise<{ ids: string[]; pages: number }> {
  const ids: string[] = [];
  let cursor: string | null = null;
  for (let pages = 1;; pages++) {
    const page = await get(tenant, "deliveries", { ...query, ...(cursor ? { cursor } : {}) });
    ids.push(...page.data.map((row: { id: string }) => row.id));
    cursor = page.next_cursor;
    if (cursor === null) return { ids, pages };
    assert.ok(pages < 100, "pages without end");
  }
}

function logTest(name: string, run: (sink: TestSink, tell: (status: number) => void) => Promise<void>): void {
  stackTest(name, async () => {
    let status = 204;
    const sink = startTestSink(() => new Response(status === 204 ? null : "no", { status }));
    try {
      await run(sink, (told) => status = told);
    } finally {
      await sink.stop();
    }
  });
}

logTest("LOG: a delivery is listed and shown with its attempts, body, event and lane", async (sink, tell) => {
  const tenant = await createTenant();
  const integration = await sink.integrate(tenant);
  tell(500);
  await writeReadiness(tenant.id);
  const failed = await deliveryWith(integration.id, "failed");
  const [listed] = (await get(tenant, "deliveries", { status: "failed" })).data;
  assert.deepEqual(
    [listed.id, listed.state, listed.attempt_count, listed.last_error, listed.last_error_class],
    [failed.id, "retry_later", 1, "The endpoint answered 500.", failed.last_error_class],
  );
  assert.ok(Date.parse(listed.next_attempt_at) > Date.parse(listed.last_attempt_at));
  const shown = await get(tenant, `deliveries/${failed.id}`);
  assert.deepEqual(shown.attempts.map((one: Record<string, unknown>) => [one.attempt, one.status_code]), [[
    1,
    500,
  ]]);
  assert.equal(shown.attempts[0].response_excerpt, "no");
  assert.equal(shown.request_body, sink.arrivalsOf(integration)[0]!.body);
  assert.equal(shown.webhook_id, sink.arrivalsOf(integration)[0]!.webhookId);
  assert.equal(shown.event.id, failed.event_id);
  assert.deepEqual([shown.lane.is_open, shown.lane.consecutive_failures, shown.lane.ahead], [true, 1, null]);
});

logTest("LOG: the log says why a delivery is not going out", async (sink) => {
  const tenant = await createTenant();
  const integration = await sink.integrate(tenant);
  const standing = async () => {
    const [row] = (await get(tenant, "deliveries", { status: "pending" })).data;
    assert.equal(row.integration_id, integration.id);
    assert.equal((await get(tenant, `deliveries/${row.id}`)).state, row.state);
    return row.state;
  };
  await sql`update public.guardian_meta_integrations set flow = 'paused' where id = ${integration.id}`;
  await writeReadiness(tenant.id);
  assert.equal(await standing(), "held_paused");
  await sql`update public.guardian_meta_integrations set is_enabled = false where id = ${integration.id}`;
  assert.equal(await standing(), "held_disabled");
  await adminSql`insert into private.delivery_pauses (tenant_id, flow) values (${tenant.id}, 'paused')`;
  await sql`update public.guardian_meta_integrations set is_enabled = true, flow = 'open' where id = ${integration.id}`;
  assert.equal(await standing(), "held_by_tenant");
  await adminSql`delete from private.delivery_pauses where tenant_id = ${tenant.id}`;
  assert.equal(await standing(), "in_line");
  await adminSql`update private.delivery_lanes set not_before = now() + interval '1 hour' where integration_id = ${integration.id}`;
  assert.equal(await standing(), "held_by_lane");
  await adminSql`update private.delivery_lanes set breaker_openings = 1 where integration_id = ${integration.id}`;
  assert.equal(await standing(), "held_by_breaker");
  await adminSql`delete from private.delivery_queue where integration_id = ${integration.id}`;
  const [row] = (await get(tenant, "deliveries")).data;
  assert.equal(row.state, "astray");
});

logTest("LOG: pages of every status hold each delivery once, newest first, of one tenant", async (sink) => {
  const [tenant, other] = [await createTenant(), await createTenant()];
  const integration = await sink.integrate(tenant, { is_enabled: false });
  const theirs = await sink.integrate(other, { is_enabled: false });
  const rows = async (tenantId: string, integrationId: string) => {
    await sql`insert into public.guardian_meta_webhook_events
      (tenant_id, integration_id, event_type, status, finished_at, created_at, last_error_class, attempt_count)
      select ${tenantId}, ${integrationId}, 'readiness_updated', s.status,
        case when s.status in ('delivered', 'discarded') then now() end, now() - n * interval '1 second',
        case when s.status <> 'delivered' then 'timeout' end, 1
      from generate_series(1, 7) n, unnest(array['pending', 'failed', 'delivered', 'discarded']) s (status)`;
    await adminSql`insert into private.delivery_queue (delivery_id, tenant_id, integration_id, kind, event_type, is_ready, due_at, failure_count)
      select id, tenant_id, integration_id, 'guardian_meta', event_type, status = 'pending', now() + interval '1 day', (status = 'failed')::int
      from public.guardian_meta_webhook_events where integration_id = ${integrationId} and finished_at is null order by created_at`;
    await adminSql`insert into private.delivery_dead_letters (delivery_id, tenant_id, integration_id, kind, error_class, discarded_at)
      select id, tenant_id, integration_id, 'guardian_meta', 'timeout', created_at from public.guardian_meta_webhook_events
      where integration_id = ${integrationId} and status = 'discarded'`;
  };
  await rows(tenant.id, integration.id);
  await rows(other.id, theirs.id);
  for (const status of ["pending", "failed", "delivered", "discarded"]) {
    const expected = (await sql`select id from public.guardian_meta_webhook_events
      where integration_id = ${integration.id} and status = ${status} order by created_at desc, id`).map((
      row,
    ) => row.id);
    assert.deepEqual((await walk(tenant, { status, limit: 3 })).ids, expected, status);
    assert.deepEqual(
      (await walk(tenant, { status, limit: 3, integration_id: integration.id })).ids,
      expected,
      status,
    );
    assert.deepEqual((await walk(tenant, { status, integration_id: theirs.id })).ids, [], status);
    const timeouts = status === "delivered" ? [] : expected;
    assert.deepEqual((await walk(tenant, { status, error_class: "timeout" })).ids, timeouts, status);
  }
  assert.equal((await walk(tenant, { limit: 5 })).ids.length, 28);
  const [newest] = await sql`select created_at from public.guardian_meta_webhook_events
    where integration_id = ${integration.id} order by created_at desc limit 1`;
  const to = newest!.created_at.toISOString();
  assert.equal(
    (await walk(tenant, { to, from: new Date(Date.parse(to) - 2500).toISOString() })).ids.length,
    8,
  );
  const { body } = await call(
    `guardian-meta/deliveries?status=pending&cursor=${btoa(JSON.stringify({ at: to, id: integration.id }))}`,
    {
      user: tenant.users.manager,
    },
  );
  assert.equal(body.error_code, "VALIDATION_FAILED");
});

logTest(
  "LOG: a page that finds little says where to go on instead of reading the whole log",
  async (sink) => {
    const tenant = await createTenant();
    const integration = await sink.integrate(tenant, { is_enabled: false });
    await sql`insert into public.guardian_meta_webhook_events
    (tenant_id, integration_id, event_type, status, finished_at, created_at, last_error_class)
    select ${tenant.id}, ${integration.id}, 'readiness_updated', 'delivered', now(), now() - n * interval '1 second',
      case when n = 11000 then 'timeout' end
    from generate_series(1, 11500) n`;
    const first = await get(tenant, "deliveries", { error_class: "timeout" });
    assert.deepEqual([first.data.length, first.next_cursor === null], [0, false]);
    assert.deepEqual(
      await walk(tenant, { error_class: "timeout" }).then(({ ids, pages }) => [ids.length, pages]),
      [1, 3],
    );
  },
);

logTest(
  "LOG: what was given up is listed with its reason and sent again with the same id and bytes",
  async (sink, tell) => {
    const tenant = await createTenant();
    const integration = await sink.integrate(tenant, { config: { max_attempts: 1 } });
    tell(500);
    await writeReadiness(tenant.id);
    const dead = await deliveryWith(integration.id, "discarded");
    const [letter] = (await get(tenant, "dead-letters", { integration_id: integration.id })).data;
    assert.deepEqual([letter.id, letter.reason, letter.attempt_count], [
      dead.id,
      "The endpoint answered 500.",
      1,
    ]);
    tell(204);
    const redriven = await post(tenant, "dead-letters/redrive", { delivery_ids: [dead.id] });
    assert.deepEqual([redriven.status, redriven.body], [202, { replayed: 1 }]);
    await deliveryWith(integration.id, "delivered");
    assert.deepEqual((await get(tenant, "dead-letters")).data, []);
    assert.deepEqual((await post(tenant, "dead-letters/redrive", { delivery_ids: [dead.id] })).body, {
      replayed: 0,
    });
    assert.deepEqual((await post(tenant, `deliveries/${dead.id}/replay`)).body, { replayed: 1 });
    await eventually(() => Promise.resolve(sink.arrivalsOf(integration).length === 3));
    await deliveryWith(integration.id, "delivered");
    const arrivals = sink.arrivalsOf(integration);
    assert.equal(new Set(arrivals.map((arrival) => arrival.webhookId + arrival.body)).size, 1);
    assert.equal((await get(tenant, `deliveries/${dead.id}`)).replays, 2);
  },
);

logTest("LOG: an open delivery and a test are not sent again", async (sink) => {
  const tenant = await createTenant();
  const integration = await sink.integrate(tenant, { is_enabled: true });
  await sql`update public.guardian_meta_integrations set flow = 'paused' where id = ${integration.id}`;
  await writeReadiness(tenant.id);
  const [open] = (await get(tenant, "deliveries")).data;
  const refused = await post(tenant, `deliveries/${open.id}/replay`);
  assert.deepEqual([refused.status, refused.body.error_code], [409, "CONFLICT"]);
  const tested = await call("guardian-meta/integrations/test", {
    user: tenant.users.admin,
    body: { integration_id: integration.id },
  });
  const test = await post(tenant, `deliveries/${tested.body.delivery.id}/replay`);
  assert.deepEqual([test.status, test.body.error_code], [409, "CONFLICT"]);
});
