import "./subject_environment.ts";
import assert from "node:assert/strict";
import type { Store } from "../../supabase/functions/_shared/db/store.ts";
import type { SyncRun } from "../../supabase/functions/_shared/sync/run_answer.ts";
import { SLICE_LIMITS } from "../../supabase/functions/_shared/sync/slice_limits.ts";
import type { RunningSubject } from "../support/contract_subject.ts";
import { call } from "../support/api.ts";
import { googleSubjects } from "../support/google_subjects.ts";
import { odooSubjects } from "../support/odoo_subjects.ts";
import { eventually, sql, stackTest } from "../support/stack.ts";
import { quiet, type Synced, withSynced } from "./synced.ts";

const files = googleSubjects.find(({ stream }) => stream === "drive_files")!;
const employees = odooSubjects.find(({ name }) => name === "odoo employees over JSON-2")!;

/** A store at which something happens before a page is stored; `nth` counts the pages from 1. */
function storeWith(beforePage: (nth: number) => Promise<void>): Pick<Store, "call"> {
  const store = quiet();
  let pages = 0;
  return {
    call: async (name, args) => {
      if (name === "apply_sync_page") await beforePage(++pages);
      return await store.call(name, args);
    },
  };
}

/** A run in slices of so many pages; with the requests that the provider saw. */
async function requestsOf(
  synced: Synced,
  provider: RunningSubject,
  maxPages: number,
): Promise<{ run: SyncRun; requests: number }> {
  const before = provider.faults.requests;
  let run = await synced.start("full");
  while (run.finished_at === null) {
    run = await synced.slice(run.run_id, quiet(), { ...SLICE_LIMITS, maxPages });
  }
  assert.deepEqual([run.status, run.errors], ["completed", []]);
  return { run, requests: provider.faults.requests - before };
}

stackTest(
  "SYNC: while a page is stored the next one is read, and no further one",
  () =>
    withSynced(files, async (synced, provider) => {
      provider.create(provider.pageSize * 3 + 1);
      const { run_id: runId } = await synced.start();
      const requestsAt: number[] = [];
      const store = storeWith(async (nth) => {
        const before = provider.faults.requests;
        // It is not stored before its successor was asked for: four pages of the listing, one of the feed.
        if (nth < 5) await eventually(() => Promise.resolve(provider.faults.requests > before), 5000);
        await new Promise((resolve) => setTimeout(resolve, 50));
        requestsAt.push(provider.faults.requests - before);
      });
      const run = await synced.slice(runId, store, SLICE_LIMITS);
      assert.equal(run.status, "completed", JSON.stringify(run));
      assert.deepEqual(requestsAt, [1, 1, 1, 1, 0]);
      await synced.assertExact("in the end");
    }),
);

stackTest(
  "SYNC: what a slice reads ahead it stores: no page is asked for twice, however a run is cut",
  () =>
    withSynced(files, async (synced, provider) => {
      provider.create(provider.pageSize * 2 + 1);
      const single = await requestsOf(synced, provider, 1);
      for (const maxPages of [2, 3, 40]) {
        const { run, requests } = await requestsOf(synced, provider, maxPages);
        assert.deepEqual(
          [requests, run.progress.pages],
          [single.requests, single.run.progress.pages],
          `${maxPages} pages a slice`,
        );
        assert.equal(run.slices, Math.ceil(run.progress.pages / maxPages));
      }
      await synced.assertExact("in the end");
    }),
);

stackTest(
  "SYNC: a page that cannot be stored takes the one read ahead of it along",
  () =>
    withSynced(files, async (synced, provider) => {
      provider.create(provider.pageSize * 3 + 1);
      const { run_id: runId } = await synced.start();
      const waiting = await synced.slice(
        runId,
        storeWith((nth) => nth === 2 ? Promise.reject(new Error("The database is away")) : Promise.resolve()),
        SLICE_LIMITS,
      );
      assert.deepEqual([waiting.status, waiting.error_class], ["waiting", "internal"]);
      assert.equal((await synced.held()).size, waiting.progress.records);
      assert.equal(waiting.progress.pages, 1);
      assert.equal((await synced.finish(runId)).status, "completed");
      await synced.assertExact("after the next slices");
      assert.deepEqual(await synced.events(), { created: provider.state().size });
    }),
);

stackTest(
  "SYNC: a run that is cancelled or taken over in the middle keeps nothing that was read ahead",
  () =>
    withSynced(files, async (synced, provider) => {
      provider.create(provider.pageSize * 3 + 1);
      let requests = 0;
      const { run_id: runId } = await synced.start();
      const cancelled = await synced.slice(
        runId,
        storeWith(async (nth) => {
          if (nth !== 2) return;
          requests = provider.faults.requests;
          const answer = await call(`integrations/runs/${runId}/cancel`, {
            method: "POST",
            user: synced.tenant.users.manager,
          });
          assert.equal(answer.status, 200, JSON.stringify(answer.body));
        }),
        SLICE_LIMITS,
      );
      assert.deepEqual([cancelled.status, cancelled.progress.pages], ["cancelled", 1]);
      assert.equal((await synced.held()).size, cancelled.progress.records);
      assert.ok(provider.faults.requests <= requests + 1, "one page was read ahead, and then none");

      const { run_id: secondId } = await synced.start();
      const lost = await synced.slice(
        secondId,
        storeWith(async (nth) => {
          if (nth !== 2) return;
          requests = provider.faults.requests;
          await sql`update public.sync_runs set lease_token = gen_random_uuid() where id = ${secondId}`;
        }),
        SLICE_LIMITS,
      );
      const [row] = await sql`select status, pages::int from public.sync_runs where id = ${secondId}`;
      assert.deepEqual([lost.status, row!.status, row!.pages], ["running", "running", 1]);
      assert.ok(provider.faults.requests <= requests + 1, "one page was read ahead, and then none");
      await synced.expireLease(secondId);
      assert.equal((await synced.finish(secondId)).status, "completed");
      await synced.assertExact("in the end");
      assert.deepEqual(await synced.events(), { created: provider.state().size });
    }),
);

stackTest(
  "SYNC: what is stored is counted when the page before is stored, not while it is",
  () =>
    withSynced(employees, async (synced, provider) => {
      provider.create(3);
      await synced.complete();
      provider.create(provider.pageSize + 2);
      let storing = 0;
      let counts = 0;
      const store = quiet();
      const { run_id: runId } = await synced.start();
      const run = await synced.slice(runId, {
        call: async (name, args) => {
          if (name === "count_synced") {
            counts++;
            assert.equal(storing, 0, "a page is being stored");
          }
          if (name !== "apply_sync_page") return await store.call(name, args);
          storing++;
          await new Promise((resolve) => setTimeout(resolve, 300));
          return await store.call<never>(name, args).finally(() => storing--);
        },
      }, SLICE_LIMITS);
      assert.equal(run.status, "completed", JSON.stringify(run));
      assert.ok(counts > 0, "it was counted");
      assert.equal(run.counts.created, provider.pageSize + 2);
      await synced.assertExact("in the end");
    }),
);
