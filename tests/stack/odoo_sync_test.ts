import assert from "node:assert/strict";
import { type OdooSimulator, startOdoo } from "../../simulators/odoo/odoo.ts";
import { call, rest } from "../support/api.ts";
import { createSome } from "../support/odoo_subjects.ts";
import { eventually, sql, stack, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";

/** A tenant that has connected an Odoo through the API. */
interface Rig {
  odoo: OdooSimulator;
  tenant: TestTenant;
  connectorId: string;
  /** Syncs and waits for the end. */
  sync(body: Record<string, unknown>): Promise<Run>;
}

interface Run {
  status: string;
  counts: { created: number; updated: number; deleted: number; unchanged: number };
  error: string | null;
  error_class: string | null;
  finished_at: string | null;
}

async function withOdoo(major: number, test: (rig: Rig) => Promise<void>): Promise<void> {
  const odoo = startOdoo({ major });
  odoo.addUser({ login: "hub@acme.example", keys: [{ key: "key-of-the-hub", expiresAtMs: null }] });
  const tenant = await createTenant();
  const user = tenant.users.manager;
  const created = await call("integrations/connectors", {
    user: tenant.users.admin,
    orgId: tenant.orgs[0],
    body: {
      type: "odoo",
      name: "Odoo",
      config: { url: `${odoo.url}/odoo`, database: odoo.databaseName, batch_size: 50 },
      secrets: { login: "hub@acme.example", api_key: "key-of-the-hub" },
    },
  });
  assert.equal(created.status, 201, JSON.stringify(created.body));
  const connectorId = created.body.id;
  const sync: Rig["sync"] = async (body) => {
    const started = await call("odoo-sync", { user, body: { connector_id: connectorId, ...body } });
    assert.equal(started.status, 200, JSON.stringify(started.body));
    return await eventually(async () => {
      const run = await call(`integrations/runs/${started.body.run_id}`, { user });
      return run.body.finished_at !== null && run.body;
    });
  };
  try {
    await test({ odoo, tenant, connectorId, sync });
  } finally {
    await odoo.stop();
  }
}

for (const major of [17, 19]) {
  stackTest(`ODOO ${major}: what was asked for is read over HTTP, and its readers see it`, async () => {
    await withOdoo(major, async ({ odoo, tenant, sync }) => {
      createSome(odoo, "hr.department", 4);
      createSome(odoo, "hr.employee", 60);
      odoo.database.write("hr.employee", [9], { parent_id: 3, active: false });
      assert.equal((await sync({ sync_type: "departments" })).counts.created, 4);
      assert.equal((await sync({ sync_type: "employees" })).counts.created, 60);
      odoo.database.write("hr.department", [1], { name: "Renamed" });
      odoo.database.unlink("hr.employee", [2]);
      const both = await sync({});
      assert.equal(both.status, "completed", JSON.stringify(both));
      assert.equal(both.counts.deleted, 1);
      const path =
        "odoo_employees?select=name,active,manager_external_id,deleted_at&external_id=in.(2,9)&order=external_id";
      const seen = await rest(path, { user: tenant.users.manager });
      assert.equal(seen.status, 200, JSON.stringify(seen.body));
      assert.notEqual(seen.body[0].deleted_at, null);
      assert.deepEqual(
        [seen.body[1].name, seen.body[1].active, seen.body[1].manager_external_id],
        ["Number 9 & <Co>", false, "3"],
      );
      const hidden = await rest(path, { user: tenant.users.member });
      assert.deepEqual(hidden.body, []);
    });
  });

  stackTest(
    `ODOO ${major}: an expired key ends the run in one sentence, and no traceback is kept anywhere`,
    async () => {
      await withOdoo(major, async ({ odoo, tenant, connectorId, sync }) => {
        createSome(odoo, "hr.employee", 3);
        odoo.failNext("builtins.KeyError", "'/opt/odoo/addons/inside.py'");
        assert.equal((await sync({ sync_type: "employees" })).status, "completed");
        odoo.access.users[0]!.keys[0]!.expiresAtMs = Date.now() - 1000;
        const run = await sync({ sync_type: "employees" });
        assert.deepEqual([run.status, run.error_class], ["failed", "reconnect_needed"]);
        assert.match(run.error!, /^Odoo refuses the API key[^\n]*\.$/);
        const kept = await sql`select
        (select jsonb_agg(to_jsonb(l)) from public.integration_logs l where l.tenant_id = ${tenant.id})::text as logs,
        (select jsonb_agg(to_jsonb(r)) from public.sync_runs r where r.connector_id = ${connectorId})::text as runs`;
        assert.match(kept[0]!.runs, /KeyError/, "the failure inside was told");
        assert.doesNotMatch(JSON.stringify(kept), /Traceback|inside\.py|key-of-the-hub/);
      });
    },
  );
}

stackTest("ODOO: machines sync for a tenant, and only connectors of Odoo", async () => {
  await withOdoo(17, async ({ odoo, tenant, connectorId }) => {
    createSome(odoo, "hr.employee", 3);
    const body = { connector_id: connectorId, tenant_id: tenant.id, sync_type: "employees" };
    const run = await call("odoo-sync", { headers: { apikey: stack.hubKey }, body });
    assert.equal(run.status, 200, JSON.stringify(run.body));
    const unknown = await call("odoo-sync", {
      user: tenant.users.manager,
      body: { connector_id: connectorId, sync_type: "payslips" },
    });
    assert.equal(unknown.status, 422, JSON.stringify(unknown.body));
    const other = await call("api-sync", { user: tenant.users.manager, body: { connector_id: connectorId } });
    assert.equal(other.status, 404, JSON.stringify(other.body));
  });
});
