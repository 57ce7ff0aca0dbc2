import "./subject_environment.ts";
import assert from "node:assert/strict";
import { StoreDataError } from "../../supabase/functions/_shared/db/store_data_error.ts";
import { hubStore, type Store } from "../../supabase/functions/_shared/db/store.ts";
import type { RunningSubject } from "../support/contract_subject.ts";
import { type Answer, call } from "../support/api.ts";
import { odooSubjects } from "../support/odoo_subjects.ts";
import { functionUsage } from "../support/function_usage.ts";
import { eventually, sql, stack, stackTest } from "../support/stack.ts";
import { quiet, seeded, type Synced, withSynced } from "./synced.ts";

const subject = odooSubjects.find(({ name }) => name === "odoo employees over JSON-2")!;

const withOdoo = (test: (synced: Synced, provider: RunningSubject) => Promise<void>) =>
  withSynced(subject, test);

/** What the connector's newest run came to. */
async function newestRun(synced: Synced) {
  const [run] = await sql`select * from public.sync_runs where connector_id = ${synced.connectorId}
    order by created_at desc limit 1`;
  return run as {
    id: string;
    status: string;
    trigger: string;
    heartbeat_at: Date | null;
    finished_at: Date | null;
  } | undefined;
}

stackTest(
  "SYNC: when more than half would go nothing goes, until somebody says that it is right",
  () =>
    withOdoo(async (synced, provider) => {
      const random = seeded(3);
      provider.create(40);
      await synced.complete();
      for (let gone = 0; gone < 25; gone++) provider.remove(random);
      const refused = await synced.run("full");
      assert.deepEqual([refused.status, refused.error_class], ["failed", "too_many_deletions"]);
      assert.match(refused.error ?? "", /25 of 40 records/);
      assert.equal((await synced.held()).size, 40);
      const { run_id: runId } = await synced.start("full", { accept_deletions: true });
      const accepted = await synced.finish(runId);
      assert.deepEqual(
        [accepted.status, accepted.counts.deleted],
        ["completed", 25],
        JSON.stringify(accepted),
      );
      await synced.assertExact("after it was accepted");
      assert.equal((await synced.events()).deleted, 25);
    }),
);

stackTest(
  "SYNC: a connector is synced by itself when its interval is over, once, and not while it is inactive",
  () =>
    withOdoo(async (synced, provider) => {
      provider.create(3);
      const path = `integrations/connectors/${synced.connectorId}`;
      const { owner } = synced.tenant.users;
      const orgId = synced.tenant.orgs[0];
      const changed = await call(path, {
        method: "PATCH",
        user: owner,
        orgId,
        body: { sync_interval_seconds: 3600 },
      });
      assert.equal(changed.status, 200, JSON.stringify(changed.body));
      assert.ok(changed.body.next_sync_at !== null);
      await Promise.all([sql`select private.start_due_syncs()`, sql`select private.start_due_syncs()`]);
      const run = await eventually(async () => {
        const newest = await newestRun(synced);
        return newest?.finished_at && newest;
      });
      assert.deepEqual([run.status, run.trigger], ["completed", "schedule"]);
      const [count] =
        await sql`select count(*)::int as runs from public.sync_runs where connector_id = ${synced.connectorId}`;
      assert.equal(count!.runs, 1);
      await synced.assertExact("after the scheduled run");
      const shown = await call(path, { user: owner, orgId });
      const untilNextMs = new Date(shown.body.next_sync_at).getTime() - Date.now();
      assert.ok(untilNextMs > 3_500_000 && untilNextMs <= 3_600_000, `${untilNextMs} ms`);
      assert.deepEqual([shown.body.health, shown.body.last_sync_status], ["healthy", "completed"]);
      await sql`update public.integration_connectors set status = 'inactive' where id = ${synced.connectorId}`;
      const [state] =
        await sql`select next_sync_at from public.connector_states where connector_id = ${synced.connectorId}`;
      assert.equal(state!.next_sync_at, null);
    }),
);

stackTest(
  "SYNC: a sweep that a run has left is ended by the next one, which then reads what is new",
  () =>
    withOdoo(async (synced, provider) => {
      provider.create(20);
      await synced.complete();
      // What the provider does not have, and the pass before has not seen.
      await sql`insert into public.odoo_employees (tenant_id, org_id, connector_id, external_id, name, content_hash)
      select tenant_id, org_id, connector_id, 'gone', name, content_hash from public.odoo_employees
      where connector_id = ${synced.connectorId} limit 1`;
      await sql`update public.sync_cursors set pass_state = 'sweeping'
      where connector_id = ${synced.connectorId} and stream = ${subject.stream}`;
      provider.create(2);
      const run = await synced.complete();
      assert.deepEqual([run.counts.created, run.counts.deleted], [2, 1], JSON.stringify(run));
      await synced.assertExact("after the run that ended the sweep");
    }),
);

stackTest(
  "SYNC: a worker that slept past its lease changes nothing",
  () =>
    withOdoo(async (synced, provider) => {
      provider.create(provider.pageSize + 5);
      const { run_id: runId } = await synced.start();
      const store = quiet();
      let wake = () => {};
      const sleeps = new Promise<void>((resolve) => wake = resolve);
      let hasArrived = () => {};
      const arrived = new Promise<void>((resolve) => hasArrived = resolve);
      const sleepy: Pick<Store, "call"> = {
        call: async (name, args) => {
          if (name === "apply_sync_page") {
            hasArrived();
            await sleeps;
          }
          return await store.call(name, args);
        },
      };
      const asleep = synced.slice(runId, sleepy);
      await arrived;
      await synced.expireLease(runId);
      assert.equal((await synced.finish(runId)).status, "completed");
      const before = await sql`select to_jsonb(r) as row from public.sync_runs r where r.id = ${runId}`;
      wake();
      await asleep;
      const after = await sql`select to_jsonb(r) as row from public.sync_runs r where r.id = ${runId}`;
      assert.deepEqual(after[0]!.row, before[0]!.row);
      await synced.assertExact("after the sleeper woke");
      assert.equal((await synced.events()).created, provider.state().size);
    }),
);

stackTest(
  "SYNC: a record whose new values the database refuses is kept as it was, and is not taken for deleted",
  () =>
    withOdoo(async (synced, provider) => {
      provider.create(12);
      await synced.complete();
      const [refused] = [...(await synced.held()).keys()];
      const store = quiet();
      const picky: Pick<Store, "call"> = {
        call: (name, args) => {
          const page = name === "apply_sync_page" ? JSON.parse(args.p_page as string) : { records: [] };
          const isRefused = page.records.some((one: { external_id: string }) => one.external_id === refused);
          return isRefused ? Promise.reject(new StoreDataError("22008", "refused")) : store.call(name, args);
        },
      };
      const { run_id: runId } = await synced.start("full");
      let run = await synced.slice(runId, picky);
      while (run.finished_at === null) run = await synced.slice(runId, picky);
      assert.deepEqual(
        [run.status, run.counts.refused, run.counts.deleted],
        ["completed", 1, 0],
        JSON.stringify(run),
      );
      assert.equal((await synced.held()).size, 12);
    }),
);

stackTest(
  "SYNC: a run that ends its every worker ends itself, and says so on the way",
  () =>
    withOdoo(async (synced, provider) => {
      provider.create(provider.pageSize * 2);
      const { run_id: runId } = await synced.start();
      const store = quiet();
      // As a worker does that is killed over a page: it has the lease, and is never heard of again.
      const dying: Pick<Store, "call"> = {
        call: (name, args) =>
          name === "claim_sync_slice" ? store.call(name, args) : Promise.reject(new Error("killed")),
      };
      const die = async () => {
        await assert.rejects(synced.slice(runId, dying), /killed/);
        await synced.expireLease(runId);
      };
      for (let deaths = 0; deaths < 7; deaths++) await die();
      // A page that is stored is news: it counts from the beginning again.
      const alive = await synced.slice(runId);
      assert.equal(alive.status, "waiting");
      assert.deepEqual(alive.errors.map(({ code }) => code), Array(7).fill("internal"));
      for (let deaths = 0; deaths < 8; deaths++) await die();
      const ended = await synced.slice(runId, dying);
      assert.deepEqual([ended.status, ended.error_class], ["failed", "internal"], JSON.stringify(ended));
      assert.match(ended.error ?? "", /8 workers in a row/);
      const [notice] = await sql`select kind from public.notifications where tenant_id = ${synced.tenant.id}`;
      assert.equal(notice!.kind, "connector.sync_failed");
      await synced.complete();
      await synced.assertExact("with workers that live");
    }),
);

stackTest(
  "SYNC: the end of a run is an event, a line of the log, and news to admins once per row of failures",
  () =>
    withOdoo(async (synced, provider) => {
      provider.create(2);
      await synced.complete();
      const [configBefore] =
        await sql`select config from public.integration_connectors where id = ${synced.connectorId}`;
      await sql`update public.integration_connectors set config = '{}' where id = ${synced.connectorId}`;
      for (let failures = 0; failures < 3; failures++) {
        assert.deepEqual((await synced.run()).error_class, "misconfigured");
      }
      const kinds = await sql`select kind from public.notifications where tenant_id = ${synced.tenant.id}`;
      assert.deepEqual(kinds.map(({ kind }) => kind), ["connector.sync_failed"]);
      const events = await sql`select event_type, payload from public.integration_events_outbox
      where tenant_id = ${synced.tenant.id} and event_type like 'sync.%' order by created_at`;
      assert.deepEqual(events.map(({ event_type }) => event_type), [
        "sync.completed",
        ...Array(3).fill("sync.failed"),
      ]);
      assert.deepEqual(events[0]!.payload.counts, {
        created: 2,
        updated: 0,
        deleted: 0,
        unchanged: 0,
        refused: 0,
      });
      const logs = await call(`integrations/logs?event_type=sync.*&connector_id=${synced.connectorId}`, {
        user: synced.tenant.users.manager,
      });
      assert.deepEqual(logs.body.data.map((line: { status: string }) => line.status), [
        ...Array(3).fill("error"),
        "success",
      ]);
      assert.equal(logs.body.data[0].error_code, "misconfigured");
      const shown = await call(`integrations/connectors/${synced.connectorId}`, {
        user: synced.tenant.users.manager,
      });
      assert.deepEqual([shown.body.health, shown.body.failures_in_a_row], ["failing", 3]);
      await sql`update public.integration_connectors set config = ${
        configBefore!.config
      } where id = ${synced.connectorId}`;
      await synced.complete();
      const mended = await call(`integrations/connectors/${synced.connectorId}`, {
        user: synced.tenant.users.manager,
      });
      assert.deepEqual([mended.body.health, mended.body.failures_in_a_row], ["healthy", 0]);
    }),
);

stackTest(
  "SYNC: a worker that is killed in the middle of a run is followed by another, and the result is exact",
  () =>
    withOdoo(async (synced, provider) => {
      provider.create(4000);
      const started = call("odoo-sync", {
        headers: { apikey: stack.hubKey },
        body: {
          connector_id: synced.connectorId,
          tenant_id: synced.tenant.id,
          sync_type: "employees",
          sync_mode: "full",
        },
      }).catch(() => null);
      let kills = 0;
      await eventually(async () => {
        const run = await newestRun(synced);
        if (run?.finished_at) return true;
        if (kills < 3 && run?.status === "running" && (await held(synced)) >= 500 * (kills + 1)) {
          if (await killWorker("odoo-sync")) {
            kills++;
            await synced.expireLease(run.id);
          }
        }
        // What the killed one had asked last may have come through after it, and have extended the lease.
        const silentMs = Date.now() - (run?.heartbeat_at?.getTime() ?? Date.now());
        if (run && kills > 0 && silentMs > 2000) await synced.expireLease(run.id);
        await sql`select private.start_due_syncs()`;
        await new Promise((resolve) => setTimeout(resolve, 50));
        return null;
      }, 90_000);
      await started;
      assert.ok(kills > 0, "a worker was killed");
      assert.equal((await newestRun(synced))!.status, "completed");
      await synced.assertExact("after workers were killed");
      assert.equal((await synced.events()).created, 4000);
    }),
);

async function held(synced: Synced): Promise<number> {
  const [row] =
    await sql`select count(*)::int as rows from public.odoo_employees where connector_id = ${synced.connectorId}`;
  return row!.rows;
}

/** Kills the process of a function; false when it has none. */
async function killWorker(name: string): Promise<boolean> {
  const { pid } = await functionUsage(name);
  if (!pid) return false;
  try {
    Deno.kill(pid, "SIGKILL");
    return true;
  } catch (error) {
    // It had just been killed, or had ended by itself.
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

stackTest(
  "SYNC: started, changed, cancelled and ended at once, nobody waits for anybody for ever",
  () =>
    withOdoo(async (synced, provider) => {
      const caller = { user: synced.tenant.users.owner, orgId: synced.tenant.orgs[0] };
      const path = `integrations/connectors/${synced.connectorId}`;
      const secrets = { ...provider.secrets };
      const nothing: Pick<Answer, "status" | "body"> = { status: 200, body: null };
      const startDue = async () => {
        await sql`select private.start_due_syncs()`;
        return nothing;
      };
      const cancelNewest = async () => {
        const run = await newestRun(synced);
        return run
          ? await call(`integrations/runs/${run.id}/cancel`, { ...caller, method: "POST" })
          : nothing;
      };
      for (let round = 0; round < 8; round++) {
        // Every other round the provider refuses, and the end of the run changes the connector.
        const given = round % 2 === 0 ? secrets : provider.badSecrets;
        const patch = (body: unknown) => call(path, { ...caller, method: "PATCH", body });
        const answers = await Promise.all([
          ...Array.from({ length: 4 }, () => call(`${path}/sync`, { ...caller, body: { wait_seconds: 1 } })),
          patch({ secrets: given }),
          patch({ sync_interval_seconds: 60 + round }),
          call(`${path}/test`, { ...caller, method: "POST" }),
          startDue(),
          cancelNewest(),
        ]);
        for (const { status, body } of answers) assert.ok([200, 409].includes(status), JSON.stringify(body));
      }
    }),
);

stackTest(
  "SYNC: what went long ago and runs that are old are removed",
  () =>
    withOdoo(async (synced, provider) => {
      provider.create(6);
      await synced.complete();
      provider.remove(seeded(1));
      await synced.settle();
      const count = async () => {
        const [row] = await sql`select
        (select count(*)::int from public.odoo_employees where connector_id = ${synced.connectorId}) as employees,
        (select count(*)::int from public.sync_runs where connector_id = ${synced.connectorId}) as runs`;
        return { ...row };
      };
      const before = await count();
      await sql`select private.tidy_syncs()`;
      assert.deepEqual(await count(), before);
      await sql`update public.odoo_employees set deleted_at = now() - interval '31 days'
      where connector_id = ${synced.connectorId} and deleted_at is not null`;
      await sql`update public.sync_runs set finished_at = now() - interval '91 days' where connector_id = ${synced.connectorId}`;
      await sql`select private.tidy_syncs()`;
      assert.deepEqual(await count(), { employees: 5, runs: 0 });
    }),
);

stackTest(
  "SYNC: a connector that is deleted takes its credentials and records along, and leaves its log",
  () =>
    withOdoo(async (synced, provider) => {
      provider.create(2);
      await synced.complete();
      const [{ secret_ref: secretRef }] =
        await sql`select secret_ref from public.integration_connectors where id = ${synced.connectorId}` as [
          { secret_ref: string },
        ];
      const path = `integrations/connectors/${synced.connectorId}`;
      const gone = await call(path, {
        method: "DELETE",
        user: synced.tenant.users.owner,
        orgId: synced.tenant.orgs[0],
      });
      assert.equal(gone.status, 200, JSON.stringify(gone.body));
      assert.equal(
        await hubStore().call("read_secret", { p_tenant_id: synced.tenant.id, p_secret_ref: secretRef }),
        null,
      );
      assert.equal(await held(synced), 0);
      const [log] =
        await sql`select count(*)::int as lines from public.integration_logs where tenant_id = ${synced.tenant.id}`;
      assert.ok(log!.lines >= 2);
    }),
);
