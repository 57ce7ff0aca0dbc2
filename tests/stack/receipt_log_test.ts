import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import { eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";
import { createWebhook, sendGeneric, type TestWebhook } from "../support/webhook.ts";

const asManager = (tenant: TestTenant) => ({ user: tenant.users.manager });

/** Ids of the receipts that a query finds, page by page. */
async function receiptsFound(tenant: TestTenant, webhook: TestWebhook, query: Record<string, string>) {
  const found: { id: string; is_test: boolean; outcomes: Record<string, number> }[] = [];
  let cursor: string | null = "";
  for (let pages = 0; pages < 50; pages++) {
    const page = await call(
      `integrations/webhooks/${webhook.id}/receipts?${new URLSearchParams({
        ...query,
        ...cursor ? { cursor } : {},
      })}`,
      asManager(tenant),
    );
    assert.equal(page.status, 200, JSON.stringify(page.body));
    found.push(...page.body.data);
    cursor = page.body.next_cursor;
    if (cursor === null) return found;
  }
  throw new Error("There is no end to the pages");
}

const idsFound = async (tenant: TestTenant, webhook: TestWebhook, query: Record<string, string>) =>
  (await receiptsFound(tenant, webhook, query)).map(({ id }) => id);

async function settled(tenant: TestTenant): Promise<void> {
  await eventually(async () =>
    (await sql`select 1 from public.event_dispatches where tenant_id = ${tenant.id} and status = 'pending'`)
      .length === 0
  );
}

/** Makes the dispatches of a receipt look as if their consumer had failed. */
async function failReceipt(receiptId: string, status: "dead" | "pending", code = "INTERNAL"): Promise<void> {
  await sql`update public.event_dispatches d set status = ${status}, last_error_code = ${code},
      last_error = ${`It failed with ${code}`}, next_attempt_at = now() + interval '1 hour',
      finished_at = ${status === "dead" ? sql`clock_timestamp()` : null}
    from public.integration_events_outbox e where e.id = d.event_id and e.receipt_id = ${receiptId}`;
}

async function sendAll(webhook: TestWebhook, bodies: string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const body of bodies) ids.push((await sendGeneric(webhook, body)).body.receipt_id as string);
  return ids;
}

stackTest(
  "RECEIPT LOG: receipts are found by type, by what became of them, by news and by time",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant, "generic_hmac");
    const [paid, mixed, none, partly] = await sendAll(webhook, [
      '{"type":"order.paid","n":1}',
      '[{"type":"order.paid","n":2},{"type":"order.gone","n":3}]',
      "{}",
      '{"type":"order.gone","n":4}',
    ]) as [string, string, string, string];
    await sql`update public.webhook_receipts set duplicate_count = 3 where id = ${partly}`;
    await settled(tenant);
    await failReceipt(paid, "dead");
    await failReceipt(mixed, "pending");
    const found = (query: Record<string, string>) => idsFound(tenant, webhook, query);
    assert.deepEqual(await found({}), [partly, none, mixed, paid]);
    for (const limit of ["1", "3"]) {
      assert.deepEqual(
        await found({ limit }),
        [partly, none, mixed, paid],
        limit,
      );
    }
    assert.deepEqual(await found({ type: "order.paid" }), [mixed, paid]);
    assert.deepEqual(await found({ type: "order.paid", limit: "1" }), [mixed, paid]);
    assert.deepEqual(await found({ type: "unknown" }), [none]);
    assert.deepEqual(await found({ duplicates: "true" }), [partly]);
    assert.deepEqual(await found({ duplicates: "false" }), [none, mixed, paid]);
    assert.deepEqual(await found({ outcome: "dead" }), [paid]);
    assert.deepEqual(await found({ outcome: "failing" }), [mixed]);
    assert.deepEqual(await found({ outcome: "pending" }), [mixed]);
    assert.deepEqual(await found({ outcome: "done" }), [partly, none]);
    assert.deepEqual(await found({ outcome: "dead", type: "order.gone" }), []);
    const rows =
      await sql`select id, received_at::text as at from public.webhook_receipts where webhook_id = ${webhook.id}`;
    const at = (id: string) => new Date(rows.find((row) => row.id === id)!.at).toISOString();
    await sql`update public.webhook_receipts set received_at = received_at - interval '1 hour' where id in (${paid}, ${mixed})`;
    assert.deepEqual(await found({ from: new Date(Date.parse(at(none)) - 60_000).toISOString() }), [
      partly,
      none,
    ]);
    assert.deepEqual(await found({ to: new Date(Date.parse(at(none)) - 60_000).toISOString() }), [
      mixed,
      paid,
    ]);
  },
);

stackTest(
  "RECEIPT LOG: each says what became of it and whether it was a test, in the list and alone",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant, "generic_hmac");
    const [failed] = await sendAll(webhook, ['[{"n":1},{"n":2}]']) as [string];
    const tested = await call(`integrations/webhooks/${webhook.id}/test`, {
      user: tenant.users.admin,
      orgId: tenant.orgs[0],
      method: "POST",
    });
    await settled(tenant);
    await failReceipt(failed, "dead", "UNAVAILABLE");
    const shown = (await receiptsFound(tenant, webhook, {})).map(({ id, is_test, outcomes }) => ({
      id,
      is_test,
      outcomes,
    }));
    const nothing = { pending: 0, failing: 0, dead: 0, done: 0 };
    assert.deepEqual(shown, [
      { id: tested.body.receipt_id, is_test: true, outcomes: { ...nothing, done: 1 } },
      { id: failed, is_test: false, outcomes: { ...nothing, dead: 2 } },
    ]);
    for (const row of shown) {
      const { body } = await call(
        `integrations/webhooks/${webhook.id}/receipts/${row.id}`,
        asManager(tenant),
      );
      assert.deepEqual([body.is_test, body.outcomes], [row.is_test, row.outcomes]);
    }
    const { body } = await call(`integrations/webhooks/${webhook.id}/receipts/${failed}`, asManager(tenant));
    assert.equal(body.events[0].event_dispatches[0].last_error, "It failed with UNAVAILABLE");
  },
);

stackTest(
  "DEAD LETTERS: they say whence they come and why, are counted by kind, and leave when replayed",
  async () => {
    const tenant = await createTenant();
    const [orders, other] = [
      await createWebhook(tenant, "generic_hmac"),
      await createWebhook(tenant, "generic_hmac"),
    ];
    const [first, second, third] = await sendAll(orders, [
      '{"type":"order.paid","n":1}',
      '{"type":"order.gone","n":2}',
      '{"type":"order.paid","n":3}',
    ]) as [string, string, string];
    const [foreign] = await sendAll(other, ['{"type":"order.paid","n":1}']) as [string];
    await settled(tenant);
    await failReceipt(first, "dead");
    await failReceipt(second, "dead");
    await failReceipt(third, "dead", "VALIDATION_FAILED");
    await failReceipt(foreign, "dead");
    const list = async (query = "") =>
      (await call(`integrations/dead-letters${query}`, asManager(tenant))).body as {
        data: Record<string, unknown>[];
        next_cursor: string | null;
      };
    const receipts = async (query = "") => (await list(query)).data.map((row) => row.receipt_id);
    assert.deepEqual(await receipts(), [foreign, third, second, first], "the latest death first");
    assert.deepEqual(await receipts(`?webhook_id=${orders.id}&error_code=INTERNAL`), [second, first]);
    assert.deepEqual(await receipts(`?type=order.paid&webhook_id=${orders.id}`), [third, first]);
    assert.deepEqual(await receipts("?consumer=nobody"), []);
    assert.deepEqual(await receipts("?to=2020-01-01T00:00:00Z"), []);
    assert.equal((await receipts("?from=2020-01-01T00:00:00Z")).length, 4);
    const page = await list("?limit=3");
    assert.deepEqual(
      [page.data.length, await receipts(`?limit=3&cursor=${encodeURIComponent(page.next_cursor!)}`)],
      [3, [first]],
    );
    const { id, event_id: _, created_at: __, died_at: ___, ...letter } = page.data[1]!;
    assert.deepEqual(letter, {
      ...{ event_type: "webhook.received", consumer: "crm", webhook_id: orders.id, receipt_id: third },
      ...{ provider: "generic_hmac", type: "order.paid", error_code: "VALIDATION_FAILED" },
      ...{ reason: "It failed with VALIDATION_FAILED", attempts: 1, replays: 0 },
    });
    const count = async (query = "") =>
      (await call(`integrations/dead-letters/count${query}`, asManager(tenant))).body;
    const { total, total_is_exact: isExact, kinds } = await count(`?webhook_id=${orders.id}`);
    assert.deepEqual([total, isExact], [3, true]);
    assert.deepEqual(
      kinds.map((
        kind: Record<string, unknown>,
      ) => [kind.webhook_id, kind.consumer, kind.error_code, kind.dead]),
      [[orders.id, "crm", "INTERNAL", 2], [orders.id, "crm", "VALIDATION_FAILED", 1]],
    );
    assert.equal((await count()).total, 4);
    const replayed = await call("integrations/dispatches/replay", {
      ...asManager(tenant),
      body: { dispatch_ids: [id] },
    });
    assert.deepEqual(replayed.body, { replayed: 1 });
    assert.deepEqual(await receipts(), [foreign, second, first]);
  },
);

stackTest("DEAD LETTERS: who belongs to another org sees and counts none of this one", async () => {
  const tenant = await createTenant();
  const [receiptId] = await sendAll(await createWebhook(tenant, "generic_hmac"), ["{}"]) as [string];
  await settled(tenant);
  await failReceipt(receiptId, "dead");
  for (const [orgId, expected] of [[tenant.orgs[0], 1], [tenant.orgs[1], 0], [undefined, 1]] as const) {
    const as = { user: tenant.users.admin, orgId };
    assert.equal((await call("integrations/dead-letters", as)).body.data.length, expected);
    assert.equal((await call("integrations/dead-letters/count", as)).body.total, expected);
  }
});

for (
  const query of ["outcome=lost", "type=a%20b", "duplicates=maybe", "from=yesterday", "cursor=abc", "limit=0"]
) {
  stackTest(`RECEIPT LOG: the query ${query} is 422 with a sentence`, async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant, "generic_hmac");
    const answer = await call(`integrations/webhooks/${webhook.id}/receipts?${query}`, asManager(tenant));
    assert.deepEqual([answer.status, answer.body.error_code], [422, "VALIDATION_FAILED"]);
  });
}
