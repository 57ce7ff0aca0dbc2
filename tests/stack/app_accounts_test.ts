import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import {
  appUrl,
  assertTaken,
  contactEvent,
  createConnector,
  createCustomer,
  type Customer,
  linkAccount,
  newAccount,
  sendEvents,
  sendToApp,
  slackEvent,
  storedOf,
  zohoNotification,
} from "../support/app.ts";
import { appProviders } from "../../supabase/functions/_shared/providers/apps.ts";
import { eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";

const asAdmin = ({ tenant }: Customer) => ({ user: tenant.users.admin, orgId: tenant.orgs[0] });
const aimedAt = async (customer: Customer, rest: string, body?: unknown, method = "POST") =>
  await call(`integrations/webhooks/${customer.webhookId}${rest}`, { ...asAdmin(customer), method, body });

const link = (tenantId: string, connectorId: string, account: string | null) =>
  sql`select public.link_connector_account(${tenantId}, ${connectorId}, ${account}) as link`;

/** What makes news of a customer stay away, and come again. */
const SWITCHES: Record<string, [off: (customer: Customer) => unknown, on?: (customer: Customer) => unknown]> =
  {
    "its connector is inactive": [
      ({ connectorId }) =>
        sql`update public.integration_connectors set status = 'inactive' where id = ${connectorId}`,
      ({ connectorId }) =>
        sql`update public.integration_connectors set status = 'error' where id = ${connectorId}`,
    ],
    "its webhook is inactive": [
      (customer) => aimedAt(customer, "", { is_active: false }, "PATCH"),
      (customer) => aimedAt(customer, "", { is_active: true }, "PATCH"),
    ],
    "it is disconnected": [
      ({ accountId }) => sql`delete from public.connector_accounts where account_id = ${accountId}`,
      ({ tenant, connectorId, accountId }) => link(tenant.id, connectorId, accountId),
    ],
    "its webhook is deleted": [
      (customer) => aimedAt(customer, "", undefined, "DELETE"),
      async (customer) => {
        customer.webhookId = await linkAccount(customer.tenant.id, customer.connectorId, customer.accountId);
      },
    ],
    "its connector is deleted": [
      ({ connectorId }) => sql`delete from public.integration_connectors where id = ${connectorId}`,
    ],
  };

for (const [what, [off, on]] of Object.entries(SWITCHES)) {
  stackTest(`APP: when ${what}, an account is nobody's from the next request on`, async () => {
    const customer = await createCustomer();
    const send = () => sendEvents(contactEvent(customer.accountId));
    assertTaken(await send());
    await off(customer);
    assertTaken(await send(), { receipts: 0, unknown: 1 });
    assert.equal((await storedOf(customer.webhookId)).length, 1);
    if (!on) return;
    await on(customer);
    assertTaken(await send());
  });
}

stackTest("APP: with its connector a webhook ends, and its receipts stay", async () => {
  const customer = await createCustomer();
  await sendEvents(contactEvent(customer.accountId));
  await sql`delete from public.integration_connectors where id = ${customer.connectorId}`;
  const { body } = await aimedAt(customer, "", undefined, "GET");
  assert.deepEqual([body.is_active, body.deleted_at !== null, body.connector_id], [false, true, null]);
  assert.equal((await storedOf(customer.webhookId)).length, 1);
});

stackTest("APP: an account that moves to another tenant takes nothing along to the first one", async () => {
  const [before, after] = [await createCustomer(), await createCustomer()];
  assertTaken(await sendEvents(contactEvent(before.accountId)));
  await sql`update public.connector_accounts set tenant_id = ${after.tenant.id}, connector_id = ${after.connectorId}
    where account_id = ${before.accountId}`;
  assertTaken(await sendEvents(contactEvent(before.accountId)));
  const stored = [await storedOf(before.webhookId), await storedOf(after.webhookId)];
  assert.deepEqual(stored.map((receipts) => receipts.length), [1, 1]);
});

stackTest(
  "APP: connecting an account is idempotent, and several share the webhook of their connector",
  async () => {
    const { tenant, connectorId, accountId, webhookId } = await createCustomer();
    assert.equal(await linkAccount(tenant.id, connectorId, accountId), webhookId);
    const second = newAccount();
    assert.equal(await linkAccount(tenant.id, connectorId, second), webhookId);
    assertTaken(await sendEvents(contactEvent(accountId), contactEvent(second)), { receipts: 2 });
    assert.equal((await storedOf(webhookId)).length, 2);
    const [counted] = await sql`select count(*)::int as webhooks, count(*) filter (where org_id = ${
      tenant.orgs[0]
    })::int as in_org from public.integration_webhooks where connector_id = ${connectorId}`;
    assert.deepEqual({ ...counted }, { webhooks: 1, in_org: 1 });
  },
);

stackTest(
  "APP: an account belongs to one connector of the installation, also when two ask at once",
  async () => {
    const [owner, other] = [await createCustomer(), await createTenant()];
    const elsewhere = await createConnector(other, "hubspot");
    await assert.rejects(async () => await link(other.id, elsewhere, owner.accountId), {
      code: "IL409",
      message: "This account is connected to another workspace; disconnect it there first.",
    });
    const sibling = await createConnector(owner.tenant, "hubspot");
    await assert.rejects(async () => await link(owner.tenant.id, sibling, owner.accountId), {
      code: "IL409",
      message: /Another connector of this workspace/,
    });
    // A foreign connector does not exist, whoever names it.
    await assert.rejects(async () => await link(other.id, owner.connectorId, newAccount()), {
      code: "IL404",
    });
    const wanted = newAccount();
    const raced = await Promise.allSettled([
      link(owner.tenant.id, owner.connectorId, wanted),
      link(other.id, elsewhere, wanted),
    ]);
    assert.deepEqual(raced.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  },
);

stackTest("APP: connected is what an app can post for, and a name that an account can have", async () => {
  const tenant = await createTenant();
  for (const type of ["hubspot", "slack", "zoho", "salesforce", "odoo", "webhook"]) {
    const connectorId = await createConnector(tenant, type);
    const linked = link(tenant.id, connectorId, newAccount("slack"));
    if (appProviders.includes(type)) await linked;
    else await assert.rejects(async () => await linked, { code: "IL422" }, type);
    for (const odd of ["", "a b", "é", "x".repeat(201), "*", null]) {
      await assert.rejects(async () => await link(tenant.id, connectorId, odd), { code: "IL422" }, `${odd}`);
    }
  }
});

stackTest(
  "APP: the webhook of a connector is managed like others, and has no secret to show or change",
  async () => {
    const customer = await createCustomer();
    const { body: shown } = await aimedAt(customer, "", undefined, "GET");
    assert.deepEqual([shown.through_app, shown.url, shown.connector_id], [
      true,
      appUrl("hubspot"),
      customer.connectorId,
    ]);
    for (
      const [rest, body] of [["/reveal"], ["/rotate", {}], ["/rotate", { secret: "x".repeat(20) }]] as const
    ) {
      const refused = await aimedAt(customer, rest, body);
      assert.deepEqual([refused.status, refused.body.error_code], [409, "CONFLICT"], rest);
    }
    await assert.rejects(
      async () =>
        await sql`select public.rotate_webhook_secret(${customer.tenant.id}, ${
          customer.tenant.orgs[0]
        }, ${customer.webhookId}, 'a-secret-of-its-own', 0, null)`,
      { code: "IL409" },
    );
    const ended = await aimedAt(customer, "/rotate/end");
    const changed = await aimedAt(
      customer,
      "",
      { name: "Ours", event_types: ["contact.*"], settings: {} },
      "PATCH",
    );
    assert.deepEqual([ended.status, changed.status, changed.body.name], [200, 200, "Ours"]);
    assertTaken(await sendEvents(contactEvent(customer.accountId)));
    const { body: statistics } = await aimedAt(customer, "/statistics", undefined, "GET");
    assert.deepEqual([statistics.total.received, statistics.total.events], [1, 1]);
  },
);

for (const provider of ["hubspot", "slack", "zoho"] as const) {
  stackTest(
    `APP: a test of ${provider} goes through the app's URL to the account, and no consumer acts`,
    async () => {
      const customer = await createCustomer(provider);
      const { status, body } = await aimedAt(customer, "/test");
      assert.deepEqual([status, body.success, body.status, body.url, body.why], [
        ...[200, true, 200, appUrl(provider), null],
      ], JSON.stringify(body));
      const [receipt] = await storedOf(customer.webhookId);
      assert.deepEqual([receipt!.id, receipt!.body.includes(customer.accountId)], [body.receipt_id, true]);
      const statuses = await eventually(async () => {
        const rows = await sql`select d.status from public.integration_events_outbox e
        join public.event_dispatches d on d.event_id = e.id where e.receipt_id = ${body.receipt_id}`;
        return rows.length > 0 && rows.every((row) => row.status !== "pending") &&
          rows.map((row) => row.status);
      });
      assert.deepEqual(statuses, ["done"]);
      const { body: statistics } = await aimedAt(customer, "/statistics", undefined, "GET");
      assert.equal(statistics.total.received, 0, "a test does not count");
    },
  );
}

stackTest("APP: a test says what keeps news away", async () => {
  const customer = await createCustomer();
  await sql`update public.integration_connectors set status = 'inactive' where id = ${customer.connectorId}`;
  assert.match((await aimedAt(customer, "/test")).body.error, /connector of this webhook is inactive/);
  await sql`update public.integration_connectors set status = 'active' where id = ${customer.connectorId}`;
  await sql`delete from public.connector_accounts where connector_id = ${customer.connectorId}`;
  assert.match((await aimedAt(customer, "/test")).body.error, /No account is connected/);
});

stackTest("APP: accounts of one name at two providers have nothing to do with each other", async () => {
  const tenant = await createTenant();
  const account = newAccount();
  const webhookIds: Record<string, string> = {};
  for (const type of appProviders) {
    webhookIds[type] = await linkAccount(tenant.id, await createConnector(tenant, type), account);
  }
  assertTaken(await sendToApp("slack", slackEvent(account)));
  assertTaken(await sendToApp("zoho", zohoNotification(account)));
  const counts = await Promise.all(
    appProviders.map(async (type) => (await storedOf(webhookIds[type]!)).length),
  );
  assert.deepEqual(counts, [0, 1, 1]);
});

stackTest(
  "APP: unknown accounts are counted up to a bound, and forgotten after 90 days without news",
  async () => {
    await sql.begin(async (sql) => {
      await sql`insert into private.unknown_app_accounts (provider, account_id, request_count, element_count)
      select 'zoho', 'filler-' || n, 1, 1 from generate_series(1, 9999 - (select count(*) from private.unknown_app_accounts)) n`;
      const counts = ["known", "filler-1", "a-new", "b-new", "c-new"].map((account_id) => ({
        ...{ provider: "zoho", account_id, requests: 2, elements: 3 },
      }));
      await sql`select public.count_unknown_app_accounts(${sql.json(counts.slice(0, 1))})`;
      await sql`select public.count_unknown_app_accounts(${sql.json(counts)})`;
      const rows = await sql`select account_id, request_count::int as n from private.unknown_app_accounts
      where provider = 'zoho' and account_id !~ '^filler-[02-9]|^filler-1.' order by account_id`;
      const byAccount = Object.fromEntries(rows.map(({ account_id, n }) => [account_id, n]));
      assert.deepEqual([byAccount.known, byAccount["filler-1"], byAccount["*"]], [4, 3, 6]);
      assert.equal(byAccount["a-new"], undefined);
      await sql`update private.unknown_app_accounts set last_seen_at = now() - interval '91 days' where account_id = 'known'`;
      const [tidied] = await sql`select private.tidy_unknown_app_accounts() as n`;
      assert.equal(tidied!.n, 1);
      throw new Error("rolled back");
    }).catch((error) => assert.equal(error.message, "rolled back"));
  },
);
