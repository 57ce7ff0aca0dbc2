import "../support/functions_env.ts";
import { createClient } from "@supabase/supabase-js";
import assert from "node:assert/strict";
import { hubClient, userClient } from "../../supabase/functions/_shared/db/clients.ts";
import type { Database } from "../../supabase/functions/_shared/db/database.types.ts";
import { tenantDb } from "../../supabase/functions/_shared/db/tenant_db.ts";
import { MAX_ROWS, unwrap } from "../../supabase/functions/_shared/db/unwrap.ts";
import * as guardrails from "../../supabase/functions/_shared/guardrails.ts";
import { runAgentJob } from "../../supabase/functions/_shared/guardrails/agent_run.ts";
import { sql, stack, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";

const {
  checkEventProcessed,
  executeCrmFirst,
  failSoftExecute,
  logAIChange,
  queueForApproval,
  requiresManualApproval,
  rollbackChange,
  validateCampaignOwnership,
  validateTenantAccess,
} = guardrails;

const supabase = hubClient();

async function createCampaign(tenant: TestTenant): Promise<string> {
  const [row] =
    await sql`insert into public.cmo_campaigns (tenant_id, name, budget) values (${tenant.id}, 'Spring', 100) returning id`;
  return row!.id;
}

const asUser = (tenant: TestTenant, role: "owner" | "member") =>
  userClient(tenant.users[role].token, { tenantId: tenant.id, orgId: null, requestId: "test-request" });

stackTest("C7: the shared module exports the nine guards", () => {
  const nine = [
    "validateTenantAccess",
    "validateCampaignOwnership",
    "checkEventProcessed",
    "failSoftExecute",
    "executeCrmFirst",
    "logAIChange",
    "queueForApproval",
    "requiresManualApproval",
    "rollbackChange",
  ];
  for (const name of nine) assert.equal(typeof guardrails[name as keyof typeof guardrails], "function", name);
  return Promise.resolve();
});

stackTest(
  "C1: validateTenantAccess() refuses no tenant, an unknown one, and one the user is no member of",
  async () => {
    const [tenant, foreign] = [await createTenant(), await createTenant()];
    for (const missing of [null, undefined, ""]) {
      await assert.rejects(validateTenantAccess(supabase, missing), {
        code: "MISSING_TENANT_ID",
        status: 400,
      });
    }
    for (const unknown of [crypto.randomUUID(), "nonsense", "'; drop table tenants; --"]) {
      await assert.rejects(validateTenantAccess(supabase, unknown), {
        code: "TENANT_NOT_FOUND",
        status: 404,
      });
    }
    assert.deepEqual(await validateTenantAccess(supabase, tenant.id), { tenantId: tenant.id });
    assert.deepEqual(await validateTenantAccess(asUser(tenant, "member"), tenant.id), {
      tenantId: tenant.id,
    });
    await assert.rejects(validateTenantAccess(asUser(tenant, "owner"), foreign.id), {
      code: "TENANT_NOT_FOUND",
    });
  },
);

stackTest("C1: a guard takes a client of supabase-js, and sees what it may see", async () => {
  const [tenant, foreign] = [await createTenant(), await createTenant()];
  const usual = createClient<Database>(stack.apiUrl, stack.publishableKey, {
    auth: { persistSession: false, autoRefreshToken: false },
    global: { headers: { authorization: `Bearer ${tenant.users.member.token}` } },
  });
  assert.deepEqual(await validateTenantAccess(usual, tenant.id), { tenantId: tenant.id });
  await assert.rejects(validateTenantAccess(usual, foreign.id), { code: "TENANT_NOT_FOUND" });
});

stackTest(
  "C1: validateCampaignOwnership() answers 404 alike for a foreign and an unknown campaign",
  async () => {
    const [tenant, foreign] = [await createTenant(), await createTenant()];
    const [own, other] = [await createCampaign(tenant), await createCampaign(foreign)];
    assert.equal((await validateCampaignOwnership(supabase, own, tenant.id)).campaignId, own);
    for (const campaign of [other, crypto.randomUUID(), "nonsense"]) {
      await assert.rejects(validateCampaignOwnership(supabase, campaign, tenant.id), {
        code: "INVALID_CAMPAIGN_TENANT",
        status: 404,
      });
    }
    await assert.rejects(validateCampaignOwnership(supabase, own, null), { code: "MISSING_TENANT_ID" });
  },
);

stackTest("C2: of 50 callers at once exactly one is first, per tenant, message and type", async () => {
  const [tenant, other] = [await createTenant(), await createTenant()];
  const event = { tenantId: tenant.id, providerMessageId: "msg-1", eventType: "open" };
  const answers = await Promise.all(Array.from({ length: 50 }, () => checkEventProcessed(supabase, event)));
  assert.equal(answers.filter((answer) => !answer.duplicate).length, 1);
  assert.ok(answers.every((answer) => answer.idempotencyKey === "msg-1:open"));
  for (
    const another of [{ ...event, eventType: "click" }, { ...event, providerMessageId: "msg-2" }, {
      ...event,
      tenantId: other.id,
    }]
  ) {
    assert.equal((await checkEventProcessed(supabase, another)).duplicate, false);
  }
});

stackTest(
  "C3: a job refuses to start while a recent run is active, and takes over one that went silent",
  async () => {
    const job = { agent: `job-${crypto.randomUUID()}`, tenantId: null, staleAfterMs: 60_000 };
    let release = () => {};
    const held = new Promise<void>((resolve) => release = resolve);
    const first = runAgentJob(job, () => held.then(() => ({ moved: 3 })));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const others = await Promise.all(
      Array.from({ length: 10 }, () => runAgentJob(job, () => Promise.reject(new Error("must not run")))),
    );
    assert.ok(others.every((other) => !other.started && other.runId === null));
    await sql`update public.agent_runs set heartbeat_at = now() - interval '2 minutes' where agent = ${job.agent} and status = 'running'`;
    assert.equal((await runAgentJob(job, () => Promise.resolve({ moved: 1 }))).started, true);
    release();
    await first;
    const rows =
      await sql`select status, summary from public.agent_runs where agent = ${job.agent} order by started_at`;
    assert.deepEqual(rows.map((row) => [row.status, row.summary]), [["abandoned", {}], ["completed", {
      moved: 1,
    }]]);
    await assert.rejects(runAgentJob(job, () => Promise.reject(new Error("broken"))), /broken/);
    const [failed] =
      await sql`select error from public.agent_runs where agent = ${job.agent} and status = 'failed'`;
    assert.equal(failed!.error, "broken");
  },
);

stackTest(
  "C4: a failing step is reported and undoes nothing; a failing CRM write leaves every step undone",
  async () => {
    const done: string[] = [];
    const step = (name: string) => ({ name, fn: () => Promise.resolve(done.push(name)) });
    const broken = { name: "slack", fn: () => Promise.reject(new Error("Slack is away")) };
    const good = await executeCrmFirst(() => Promise.resolve("written"), [
      step("before"),
      broken,
      step("after"),
    ], "tenant");
    assert.equal(good.crmSuccess, true);
    assert.deepEqual(good.results.map((result) => [result.name, result.success]), [
      ["crm", true],
      ["before", true],
      ["slack", false],
      ["after", true],
    ]);
    assert.equal(good.results[2]!.error, "Slack is away");
    done.length = 0;
    const bad = await executeCrmFirst(() => Promise.reject(new Error("no")), [step("never")], "tenant");
    assert.deepEqual([bad.crmSuccess, bad.results.length, done], [false, 1, []]);
    assert.deepEqual(await failSoftExecute("x", () => Promise.resolve(7), "tenant"), {
      success: true,
      data: 7,
    });
    const thrown = await failSoftExecute("x", () => {
      throw "a string";
    }, "tenant");
    assert.equal(thrown.success, false);
  },
);

stackTest(
  "C5: AI changes are recorded with both values; approval is asked for where the tenant wants it",
  async () => {
    const tenant = await createTenant();
    const campaignId = await createCampaign(tenant);
    assert.equal(await requiresManualApproval(supabase, tenant.id), false);
    await sql`update public.tenant_settings set require_manual_approval = true where tenant_id = ${tenant.id}`;
    assert.equal(await requiresManualApproval(supabase, tenant.id), true);
    assert.equal(await requiresManualApproval(supabase, crypto.randomUUID()), true, "unknown means ask");
    const change = {
      ...{
        tenantId: tenant.id,
        campaignId,
        assetType: "campaign" as const,
        assetId: campaignId,
        agent: "optimizer",
      },
      ...{ previousValue: { name: "Spring" }, newValue: { name: "Summer" }, reason: "It is June." },
    };
    const { recommendationId } = await queueForApproval(supabase, change);
    const [waiting] =
      await sql`select status, changes from public.cmo_recommendations where id = ${recommendationId}`;
    assert.equal(waiting!.status, "pending");
    assert.equal("auto_applied" in waiting!.changes, false);
    const { changeId } = await logAIChange(supabase, { ...change, autoApplied: true });
    const [logged] = await sql`select changes from public.campaign_optimizations where id = ${changeId}`;
    assert.deepEqual(logged!.changes, {
      ...{
        asset_type: "campaign",
        asset_id: campaignId,
        previous_value: { name: "Spring" },
        new_value: { name: "Summer" },
      },
      ...{ auto_applied: true, agent: "optimizer" },
    });
    const [name] = await sql`select name from public.cmo_campaigns where id = ${campaignId}`;
    assert.equal(name!.name, "Spring", "waiting changes nothing");
  },
);

stackTest(
  "C5: a change of a foreign campaign, a foreign asset, or a column no agent may touch is refused",
  async () => {
    const [tenant, foreign] = [await createTenant(), await createTenant()];
    const [own, other] = [await createCampaign(tenant), await createCampaign(foreign)];
    const base = {
      tenantId: tenant.id,
      campaignId: own,
      assetType: "campaign" as const,
      assetId: own,
      agent: "a",
      autoApplied: true,
    };
    const values = { previousValue: { name: "Spring" }, newValue: { name: "X" } };
    for (
      const [wrong, code] of [
        [{ ...base, ...values, campaignId: other, assetId: other }, "NOT_FOUND"],
        [{ ...base, ...values, assetId: other }, "NOT_FOUND"],
        [
          { ...base, previousValue: { tenant_id: "x" }, newValue: { tenant_id: foreign.id } },
          "VALIDATION_FAILED",
        ],
        [{ ...base, previousValue: {}, newValue: { name: "X" } }, "VALIDATION_FAILED"],
      ] as const
    ) {
      await assert.rejects(logAIChange(supabase, wrong), { code });
      await assert.rejects(queueForApproval(supabase, wrong), { code });
    }
  },
);

stackTest(
  "C6: rollbackChange() restores once, all or nothing, even when asked ten times at once",
  async () => {
    const tenant = await createTenant();
    const campaignId = await createCampaign(tenant);
    await sql`update public.cmo_campaigns set name = 'Summer', budget = 250.5 where id = ${campaignId}`;
    const { changeId } = await logAIChange(supabase, {
      ...{
        tenantId: tenant.id,
        campaignId,
        assetType: "campaign",
        assetId: campaignId,
        agent: "a",
        autoApplied: true,
      },
      previousValue: { name: "Spring", budget: "100" },
      newValue: { name: "Summer", budget: "250.50" },
    });
    const foreign = await createTenant();
    assert.equal((await rollbackChange(supabase, changeId, foreign.id)).error_code, "NOT_FOUND");
    assert.equal(
      (await rollbackChange(supabase, changeId, tenant.id, tenant.users.member.id)).error_code,
      "FORBIDDEN",
    );
    const answers = await Promise.all(
      Array.from(
        { length: 10 },
        () => rollbackChange(supabase, changeId, tenant.id, tenant.users.manager.id),
      ),
    );
    assert.equal(
      answers.filter((answer) => answer.success).length,
      1,
    );
    assert.ok(answers.every((answer) => answer.success || answer.error_code === "CONFLICT"));
    const [row] = await sql`select name, budget::text from public.cmo_campaigns where id = ${campaignId}`;
    assert.deepEqual([row!.name, row!.budget], ["Spring", "100.0000"]);
    const [change] =
      await sql`select rolled_back_by from public.campaign_optimizations where id = ${changeId}`;
    assert.equal(change!.rolled_back_by, tenant.users.manager.id);
  },
);

stackTest("C6: rollbackChange() is refused when the asset was changed since, or is gone", async () => {
  const tenant = await createTenant();
  const campaignId = await createCampaign(tenant);
  const [mail] = await sql`insert into public.campaign_emails (tenant_id, campaign_id, subject, preheader)
    values (${tenant.id}, ${campaignId}, 'New', 'Untouched') returning id`;
  const { changeId } = await logAIChange(supabase, {
    ...{
      tenantId: tenant.id,
      campaignId,
      assetType: "campaign_email",
      assetId: mail!.id,
      agent: "a",
      autoApplied: true,
    },
    previousValue: { subject: "Old" },
    newValue: { subject: "New" },
  });
  await sql`update public.campaign_emails set preheader = 'Somebody else' where id = ${mail!.id}`;
  await sql`update public.campaign_emails set subject = 'A person wrote this' where id = ${mail!.id}`;
  assert.equal((await rollbackChange(supabase, changeId, tenant.id)).error_code, "CONFLICT");
  const [kept] = await sql`select subject from public.campaign_emails where id = ${mail!.id}`;
  assert.equal(kept!.subject, "A person wrote this");
  await sql`update public.campaign_emails set subject = 'New' where id = ${mail!.id}`;
  assert.equal((await rollbackChange(supabase, changeId, tenant.id)).success, true);
  const [restored] = await sql`select subject, preheader from public.campaign_emails where id = ${mail!.id}`;
  assert.deepEqual([restored!.subject, restored!.preheader], ["Old", "Somebody else"], "other columns stay");
  assert.equal((await rollbackChange(supabase, "nonsense", tenant.id)).success, false);
});

stackTest(
  "C8: the monitoring views count AI changes per campaign and see a duplicate key and a foreign pointer if there were one",
  async () => {
    const tenant = await createTenant();
    const campaignId = await createCampaign(tenant);
    for (const autoApplied of [true, false]) {
      await logAIChange(supabase, {
        ...{
          tenantId: tenant.id,
          campaignId,
          assetType: "campaign",
          assetId: campaignId,
          agent: "a",
          autoApplied,
        },
        previousValue: { goal: null },
        newValue: { goal: "more" },
      });
    }
    const [row] =
      await sql`select changes::int, auto_applied::int from public.monitoring_ai_changes_24h where campaign_id = ${campaignId}`;
    assert.deepEqual([row!.changes, row!.auto_applied], [2, 1]);
    const [zero] =
      await sql`select (select count(*)::int from public.monitoring_cross_tenant_violations) as violations,
    (select count(*)::int from public.monitoring_duplicate_idempotency_keys) as duplicates`;
    assert.deepEqual({ ...zero }, { violations: 0, duplicates: 0 });
  },
);

stackTest("tenantDb() puts the tenant on reads and writes, whatever the caller says", async () => {
  const [tenant, foreign] = [await createTenant(), await createTenant()];
  const db = tenantDb(tenant.id);
  const inserted = unwrap(
    await db.from("clients").insert({ name: "Mine", tenant_id: foreign.id } as { name: string }).select(
      "id, tenant_id",
    ),
  );
  assert.equal(inserted[0]!.tenant_id, tenant.id);
  await tenantDb(foreign.id).from("clients").insert({ name: "Theirs" });
  assert.deepEqual(unwrap(await db.from("clients").select("name")).map((row) => row.name), ["Mine"]);
  await db.from("clients").update({ name: "Renamed", tenant_id: foreign.id } as { name: string });
  await db.from("clients").delete().eq("name", "Theirs");
  const rows =
    await sql`select tenant_id, name from public.clients where tenant_id in (${tenant.id}, ${foreign.id}) order by name`;
  assert.deepEqual(rows.map((row) => [row.tenant_id, row.name]), [[tenant.id, "Renamed"], [
    foreign.id,
    "Theirs",
  ]]);
  assert.throws(() => tenantDb(""), TypeError);
});

stackTest("unwrap() refuses a list that PostgREST may have cut", async () => {
  const tenant = await createTenant();
  await sql`insert into public.clients (tenant_id, name) select ${tenant.id}, n::text from generate_series(1, ${
    MAX_ROWS + 1
  }) n`;
  const result = await tenantDb(tenant.id).from("clients").select("id");
  assert.throws(() => unwrap(result), { code: "INTERNAL" });
  assert.equal(unwrap(await tenantDb(tenant.id).from("clients").select("id").limit(999)).length, 999);
});
