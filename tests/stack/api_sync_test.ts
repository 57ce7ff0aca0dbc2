import assert from "node:assert/strict";
import { RestCollection } from "../../simulators/rest/collection.ts";
import { type RestSimulator, startRest } from "../../simulators/rest/rest.ts";
import { call } from "../support/api.ts";
import { eventually, sql, stack, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";

const TOKEN = "token-of-a-crm-0123456789";

interface Crm {
  tenant: TestTenant;
  api: RestSimulator;
  contacts: RestCollection;
  deals: RestCollection;
  connectorId: string;
  sync(body?: Record<string, unknown>): Promise<Record<string, unknown> & { counts: Record<string, number> }>;
}

const resource = (path: string, more: Record<string, unknown> = {}) => ({
  path,
  records: "results",
  pagination: { kind: "offset", size_parameter: "limit", size: 5 },
  deletions: "full_pass",
  ...more,
});

async function withCrm(test: (crm: Crm) => Promise<void>): Promise<void> {
  const [contacts, deals] = [new RestCollection(), new RestCollection()];
  const api = startRest({
    access: { kind: "bearer", token: TOKEN },
    paging: { kind: "offset", maxSize: 5 },
    collections: { contacts, deals },
  });
  const tenant = await createTenant();
  const user = tenant.users.admin;
  const options = { user, orgId: tenant.orgs[0] };
  try {
    const created = await call("integrations/connectors", {
      ...options,
      body: {
        type: "custom",
        name: "Our CRM",
        config: {
          base_url: api.url,
          auth: { kind: "bearer" },
          resources: {
            contacts: resource("contacts", { entity_type: "contact", updated_at: "updated_at" }),
            deals: resource("deals", { entity_type: "deal", fields: { amount: "amount" } }),
          },
        },
        secrets: { token: TOKEN },
      },
    });
    assert.equal(created.status, 201, JSON.stringify(created.body));
    const connectorId: string = created.body.id;
    const sync = async (body: Record<string, unknown> = {}) => {
      const started = await call("api-sync", { ...options, body: { connector_id: connectorId, ...body } });
      assert.equal(started.status, 200, JSON.stringify(started.body));
      return await eventually(async () => {
        const run = await call(`integrations/runs/${started.body.run_id}`, options);
        return run.body.finished_at !== null && run.body;
      });
    };
    await test({ tenant, api, contacts, deals, connectorId, sync });
  } finally {
    await api.stop();
  }
}

const rowsOf = async ({ connectorId }: Crm) =>
  await sql`select stream, external_id, record_id, data, provider_updated_at, org_id from public.api_records
    where connector_id = ${connectorId} and deleted_at is null order by external_id`;

stackTest(
  "API-SYNC: resources share a table and stay apart, in what they hold and what they delete",
  () =>
    withCrm(async (crm) => {
      for (let index = 0; index < 3; index++) {
        crm.contacts.create();
        crm.deals.create();
      }
      const first = await crm.sync();
      assert.equal(first.status, "completed", JSON.stringify(first));
      assert.equal(first.counts.created, 6);
      const ids = (await rowsOf(crm)).map(({ external_id }) => external_id);
      assert.deepEqual(ids, ["contacts/1", "contacts/2", "contacts/3", "deals/1", "deals/2", "deals/3"]);
      crm.deals.remove("2");
      crm.contacts.remove("1");
      const one = await crm.sync({ resource: "deals", sync_mode: "full" });
      assert.deepEqual([one.counts.deleted, one.counts.created], [1, 0]);
      assert.ok((await rowsOf(crm)).some(({ external_id }) => external_id === "contacts/1"));
      assert.equal((await crm.sync()).counts.deleted, 1);
      assert.deepEqual((await rowsOf(crm)).map(({ external_id }) => external_id), [
        ...["contacts/2", "contacts/3", "deals/1", "deals/3"],
      ]);
    }),
);

stackTest(
  "API-SYNC: a record becomes an event of its entity, with what was mapped and every digit",
  () =>
    withCrm(async (crm) => {
      const deal = crm.deals.create({
        amount: "12345678901234567890.123456789",
        secret_note: '"not mapped"',
      });
      await crm.sync();
      crm.deals.edit(deal.id, { amount: "0.10" });
      await crm.sync();
      crm.deals.remove(deal.id);
      await crm.sync();
      const events =
        await sql`select event_type, entity_id, payload, org_id from public.integration_events_outbox
      where tenant_id = ${crm.tenant.id} and entity_type = 'deal' order by id`;
      assert.deepEqual(events.map(({ event_type, payload }) => [event_type, payload.data]), [
        ["deal.created", { amount: "12345678901234567890.123456789" }],
        ["deal.updated", { amount: "0.10" }],
        ["deal.deleted", { amount: "0.10" }],
      ]);
      const { connector_id, stream, external_id, record_id } = events[0]!.payload;
      assert.deepEqual([connector_id, stream, external_id, record_id], [
        crm.connectorId,
        "deals",
        "deals/1",
        "1",
      ]);
      assert.equal(events[0]!.org_id, crm.tenant.orgs[0]);
    }),
);

stackTest("API-SYNC: the token is in Vault and in no table that a sync writes", () =>
  withCrm(async (crm) => {
    crm.contacts.create();
    crm.api.traps.echo = true;
    const run = await crm.sync();
    assert.equal(run.status, "completed", JSON.stringify(run));
    crm.api.access = { kind: "bearer", token: "another-token-0123456789" };
    const refused = await crm.sync();
    assert.equal(refused.error_class, "reconnect_needed", JSON.stringify(refused));
    for (
      const table of [
        "api_records",
        "sync_runs",
        "sync_cursors",
        "integration_logs",
        "integration_connectors",
        "integration_events_outbox",
        "notifications",
      ]
    ) {
      const rows = await sql`select count(*)::int as found from ${sql(`public.${table}`)} t
        where t.tenant_id = ${crm.tenant.id} and to_jsonb(t)::text like ${`%${TOKEN}%`}`;
      assert.equal(rows[0]!.found, 0, table);
    }
    assert.ok((await rowsOf(crm))[0]!.data.echo.includes("***"));
  }));

stackTest(
  "API-SYNC: machines name the workspace, and connectors of other kinds are not found",
  () =>
    withCrm(async (crm) => {
      crm.contacts.create();
      const headers = { apikey: stack.hubKey };
      const body = { connector_id: crm.connectorId, resource: "contacts" };
      const started = await call("api-sync", { headers, body: { ...body, tenant_id: crm.tenant.id } });
      assert.equal(started.status, 200, JSON.stringify(started.body));
      const [other] =
        await sql`insert into public.integration_connectors (tenant_id, org_id, type, name, status)
      values (${crm.tenant.id}, ${crm.tenant.orgs[0]!}, 'odoo', 'Other', 'active') returning id`;
      const wrong = await call("api-sync", {
        headers,
        body: { connector_id: other!.id, tenant_id: crm.tenant.id },
      });
      assert.deepEqual([wrong.status, wrong.body.error_code], [404, "NOT_FOUND"]);
      const odd = await call("api-sync", {
        headers,
        body: { ...body, tenant_id: crm.tenant.id, resource: "No!" },
      });
      assert.deepEqual([odd.status, odd.body.error_code], [422, "VALIDATION_FAILED"]);
    }),
);

stackTest(
  "API-SYNC: a resource that the settings do not name fails the run, in a sentence that names it",
  () =>
    withCrm(async (crm) => {
      const run = await crm.sync({ resource: "invoices" });
      assert.deepEqual([run.status, run.error_class], ["failed", "misconfigured"], JSON.stringify(run));
      assert.match(String(run.error), /do not name what is to be synced: invoices\.$/);
    }),
);
