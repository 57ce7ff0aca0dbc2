import "./subject_environment.ts";
import assert from "node:assert/strict";
import { hubStore, type Store } from "../../supabase/functions/_shared/db/store.ts";
import type { SliceLimits } from "../../supabase/functions/_shared/sync/slice_limits.ts";
import type { SyncRun } from "../../supabase/functions/_shared/sync/run_answer.ts";
import type { Fault } from "../../simulators/faults.ts";
import type { RunningSubject } from "../support/contract_subject.ts";
import { call } from "../support/api.ts";
import { connect } from "../support/channels.ts";
import { eventually, sql, stack, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";
import { subjects } from "./subjects.ts";
import { quiet, seeded, type Synced, withSynced } from "./synced.ts";

/** What every provider must stand, whatever it is. */
type Contract = (synced: Synced, provider: RunningSubject) => Promise<void>;

const CONTRACT: Record<string, Contract> = {
  "good credentials work, and a sentence says so": async ({ tenant, connectorId }) => {
    const answer = await call(`integrations/connectors/${connectorId}/test`, {
      method: "POST",
      user: tenant.users.manager,
    });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.equal(answer.body.works, true, answer.body.message);
    assert.match(answer.body.message, /^[A-Z].*[.!]$/);
    assert.equal(answer.body.connector.health, "healthy");
  },

  "bad credentials are told in a sentence that does not repeat them": async (
    { tenant, subject },
    provider,
  ) => {
    const { id } = await connect(tenant, {
      type: subject.type,
      config: provider.config,
      credentials: provider.badSecrets,
      orgId: tenant.orgs[0],
    });
    const answer = await call(`integrations/connectors/${id}/test`, {
      method: "POST",
      user: tenant.users.manager,
    });
    assert.deepEqual([answer.status, answer.body.works], [200, false], JSON.stringify(answer.body));
    assert.equal(answer.body.error_class, "reconnect_needed");
    assert.match(answer.body.message, /^[A-Z].*\.$/);
    for (const secret of Object.values(provider.badSecrets)) {
      if (typeof secret === "string" && secret.length > 7) {
        assert.ok(!JSON.stringify(answer.body).includes(secret));
      }
    }
    assert.equal(answer.body.connector.status, "error");
  },

  "all of it is read over HTTP, and a second read finds nothing": async (synced, provider) => {
    provider.create(provider.pageSize * 2 + 3);
    const { tenant, connectorId, subject } = synced;
    const sync = async () => {
      const started = await call(`integrations/connectors/${connectorId}/sync`, {
        user: tenant.users.manager,
        body: { streams: [subject.stream], wait_seconds: 30 },
      });
      assert.equal(started.status, 200, JSON.stringify(started.body));
      return await eventually(async () => {
        const run = await call(`integrations/runs/${started.body.run_id}`, { user: tenant.users.manager });
        return run.body.finished_at !== null && run.body;
      });
    };
    const total = provider.state().size;
    const first = await sync();
    assert.equal(first.status, "completed", JSON.stringify(first));
    assert.deepEqual(first.errors, []);
    assert.equal(first.counts.created, total);
    await synced.assertExact("after the first read");
    assert.deepEqual(await synced.events(), { created: total });
    const second = await sync();
    assert.equal(second.status, "completed", JSON.stringify(second));
    const { created, updated, deleted } = second.counts;
    assert.deepEqual({ created, updated, deleted }, { created: 0, updated: 0, deleted: 0 });
    assert.deepEqual(await synced.events(), { created: total });
  },

  "a run resumes from every checkpoint while records change, and ends exact": async (synced, provider) => {
    const random = seeded(7);
    provider.create(provider.pageSize * 3 + 1);
    await synced.complete("incremental", () => change(provider, random));
    await synced.settle();
    await synced.assertExact("after the first run");
    for (let round = 1; round <= 3; round++) {
      for (let edits = 0; edits < 5; edits++) change(provider, random);
      const mode = round === 2 ? "full" : "incremental";
      await synced.complete(mode, () => change(provider, random));
      await synced.settle();
      await synced.assertExact(`after round ${round}`);
    }
  },

  "a run asks for its pages and a constant, however many slices it takes": async (synced, provider) => {
    const cost = async (read: () => Promise<SyncRun>) => {
      const before = provider.faults.requests;
      const { status, progress } = await read();
      assert.equal(status, "completed");
      return { pages: progress.pages, requests: provider.faults.requests - before };
    };
    const sliced = () => synced.run("full");
    const whole = async () => await synced.slice((await synced.start("full")).run_id, quiet(), NO_LIMITS);
    provider.create(provider.pageSize * 2 + 1);
    const few = await cost(sliced);
    assert.deepEqual(await cost(whole), few);
    const added = provider.pageSize * 3;
    provider.create(added);
    const many = await cost(sliced);
    const perRecords = added * (synced.subject.requestsPerRecord ?? 0);
    assert.equal(many.requests - few.requests, many.pages - few.pages + perRecords);
  },

  "a worker that disappears after any step loses and doubles nothing": async (synced, provider) => {
    provider.create(provider.pageSize + 2);
    for (const dies of ["before apply_sync_page", "after apply_sync_page", "before finish_sync_slice"]) {
      provider.create(1);
      const { run_id: runId } = await synced.start();
      await assert.rejects(synced.slice(runId, dyingStore(dies)), /gone/);
      assert.equal((await synced.slice(runId)).status, "running", "its lease still holds");
      await synced.expireLease(runId);
      const run = await synced.finish(runId);
      assert.equal(run.status, "completed", `${dies}: ${JSON.stringify(run)}`);
    }
    await synced.assertExact("in the end");
    assert.deepEqual(await synced.events(), { created: provider.state().size });
  },

  "a failure at any request costs a wait and nothing else": async (synced, provider) => {
    provider.create(provider.pageSize + 1);
    const before = provider.faults.requests;
    await synced.complete();
    const requests = Math.min(provider.faults.requests - before, 6);
    const faults: Fault[] = [
      { kind: "answer", response: () => new Response("<html>Bad gateway</html>", { status: 502 }) },
      { kind: "hang_up" },
      { kind: "cut" },
    ];
    for (let nth = 1; nth <= Math.max(requests, faults.length); nth++) {
      const fault = faults[nth % faults.length]!;
      provider.create(1);
      provider.faults.plan(Math.min(nth, requests), fault);
      const run = await synced.run("full");
      provider.faults.clear();
      assert.equal(run.status, "completed", `${fault.kind} at ${nth}: ${JSON.stringify(run)}`);
      for (const { code } of run.errors) assert.match(code, /^(transient|malformed_answer)$/);
    }
    await synced.assertExact("in the end");
    assert.deepEqual((await synced.events()).created, provider.state().size);
  },

  "being asked to wait is no failure, and is obeyed": async (synced, provider) => {
    provider.create(provider.pageSize + 1);
    const { run_id: runId } = await synced.start();
    provider.faults.plan(2, provider.rateLimited(7));
    const askedAtMs = Date.now();
    let run = await synced.slice(runId);
    for (let slice = 0; slice < 9 && run.status !== "waiting" && run.error_class === null; slice++) {
      run = await synced.slice(runId);
    }
    while (run.status === "waiting" && run.error_class === null) run = await synced.slice(runId);
    assert.deepEqual([run.status, run.error_class], ["waiting", "rate_limited"], JSON.stringify(run));
    // Seven seconds of some moment since then, perhaps told in whole ones.
    const goesOnAtMs = new Date(run.next_slice_at!).getTime();
    const waits = `waits until ${goesOnAtMs - askedAtMs} ms after it began, and ${
      goesOnAtMs - Date.now()
    } ms from now`;
    assert.ok(goesOnAtMs >= askedAtMs + 6000 && goesOnAtMs <= Date.now() + 7000, waits);
    const [row] = await sql`select failures_in_a_row from public.sync_runs where id = ${runId}`;
    assert.equal(row!.failures_in_a_row, 0);
    assert.equal((await synced.finish(runId)).status, "completed");
    await synced.assertExact("after the wait");
  },

  "a token that expires in the middle of a run is renewed by itself": async (synced, provider) => {
    if (!provider.expireToken) return;
    provider.create(provider.pageSize * 2);
    const run = await synced.complete("full", (slice) => {
      if (slice === 1) provider.expireToken!();
    });
    assert.deepEqual(run.errors, []);
    await synced.assertExact("after the renewal");
  },

  "a revoked grant ends the run, marks the connector and tells the admins once": async (synced, provider) => {
    provider.create(provider.pageSize * 2);
    const { run_id: runId } = await synced.start();
    await synced.slice(runId);
    provider.revoke();
    const run = await synced.finish(runId);
    assert.deepEqual([run.status, run.error_class], ["failed", "reconnect_needed"], JSON.stringify(run));
    const connector = await synced.connector();
    assert.deepEqual([connector.status, connector.notices], ["error", 1]);
    assert.match(connector.last_error ?? "", /^[A-Z].*\.$/);
    await assert.rejects(synced.start(), { code: "RECONNECT_NEEDED" });
  },

  "a cursor ahead of all there is finds nothing": async (synced, provider) => {
    if (!provider.futureCursor) return;
    provider.create(3);
    await synced.complete();
    await sql`update public.sync_cursors set cursor = ${JSON.stringify(provider.futureCursor())}::text::jsonb
      where connector_id = ${synced.connectorId} and stream = ${synced.subject.stream}`;
    const { counts } = await synced.complete();
    assert.deepEqual([counts.created, counts.updated, counts.deleted], [0, 0, 0]);
    await synced.assertExact("after it");
  },

  "a cancelled run keeps what it stored, and the next one goes on": async (synced, provider) => {
    provider.create(provider.pageSize * 2 + 1);
    const { run_id: runId } = await synced.start();
    await synced.slice(runId);
    const cancelled = await call(`integrations/runs/${runId}/cancel`, {
      method: "POST",
      user: synced.tenant.users.manager,
    });
    assert.deepEqual([cancelled.status, cancelled.body.status], [200, "cancelled"]);
    await synced.complete();
    await synced.assertExact("after the next run");
    assert.deepEqual((await synced.events()).created, provider.state().size);
  },

  "two syncs of one connector never run at once, and nobody else's may be started": async (synced) => {
    const { run_id: runId } = await synced.start();
    const path = `integrations/connectors/${synced.connectorId}/sync`;
    const second = await call(path, { user: synced.tenant.users.manager, body: {} });
    assert.deepEqual([second.status, second.body.error_code], [409, "SYNC_RUNNING"]);
    assert.equal(second.body.details.run_id, runId);
    const stranger = await createTenant();
    const foreign = await call(path, { user: stranger.users.owner, orgId: stranger.orgs[0], body: {} });
    assert.equal(foreign.status, 404);
    const direct = await call(synced.subject.functionName, {
      user: stranger.users.owner,
      body: { connector_id: synced.connectorId },
    });
    assert.equal(direct.status, 404, JSON.stringify(direct.body));
    const machine = await call(synced.subject.functionName, {
      headers: { apikey: stack.hubKey },
      body: { connector_id: synced.connectorId, tenant_id: stranger.id },
    });
    assert.equal(machine.status, 404, JSON.stringify(machine.body));
  },
};

/** A slice that goes on to the end. */
const NO_LIMITS: SliceLimits = {
  maxPages: Infinity,
  maxRecords: Infinity,
  maxBytes: Infinity,
  maxRequests: Infinity,
  maxWallMs: Infinity,
};

/** Something happens at the provider: a record comes, changes or goes. */
function change(provider: RunningSubject, random: () => number): void {
  const choice = random();
  if (choice < 0.3 || provider.state().size === 0) provider.create(1);
  else if (choice < 0.75) provider.edit(random);
  else provider.remove(random);
}

/** A store whose process disappears at one step: nothing it says afterwards is heard. */
function dyingStore(when: string): Pick<Store, "call"> {
  const [moment, name] = when.split(" ");
  const store = hubStore();
  const kept = quiet();
  let isGone = false;
  return {
    call: async (called, args) => {
      if (called !== name && !isGone) return await kept.call(called, args);
      if (!isGone && moment === "after") await store.call(called, args);
      isGone = true;
      throw new Error("The process is gone");
    },
  };
}

for (const subject of subjects) {
  for (const [sentence, contract] of Object.entries(CONTRACT)) {
    const reason = subject.bypass?.[sentence];
    if (reason !== undefined) continue;
    stackTest(`CONTRACT ${subject.name}: ${sentence}`, () => withSynced(subject, contract));
  }
}

Deno.test("CONTRACT: what a provider is excused from has a reason, and exists", () => {
  for (const { name, bypass } of subjects) {
    for (const [sentence, reason] of Object.entries(bypass ?? {})) {
      assert.ok(sentence in CONTRACT, `${name}: ${sentence}`);
      assert.match(reason, /^[A-Z].{20,}\.$/, `${name}: ${sentence}`);
    }
  }
});
