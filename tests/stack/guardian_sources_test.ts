import assert from "node:assert/strict";
import * as vocabulary from "../../supabase/functions/_shared/meta/vocabulary.ts";
import { documentedBodies, type DocumentedBody } from "../support/documented_bodies.ts";
import { GUARDIAN_SOURCES, HOME_WORDS, writePlan, writeSource } from "../support/guardian_sources.ts";
import { startTestSink, type TestIntegration, type TestSink } from "../support/outbound.ts";
import { eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";

const BODIES = documentedBodies();

/** What came to an integration of one type: the plan that a task brings along is left out. */
function bodiesOf(sink: TestSink, integration: TestIntegration, type: string): DocumentedBody[] {
  return sink.arrivalsOf(integration).filter((arrival) => arrival.verified)
    .map((arrival) => JSON.parse(arrival.body)).filter((body) => body.type === type);
}

/** Waits for the nth body of a type at an integration. */
async function bodyAt(sink: TestSink, integration: TestIntegration, type: string, index: number) {
  return await eventually(() => Promise.resolve(bodiesOf(sink, integration, type)[index]));
}

/** Payloads of the events of an entity, oldest first. */
async function eventsOf(entityId: string) {
  return await sql`select event_type, payload, occurred_at from public.integration_events_outbox
    where entity_id = ${entityId} order by created_at, id`;
}

stackTest("SOURCES: docs/outbound.md shows a body of every type", () => {
  assert.deepEqual([...BODIES.keys()].sort(), Object.keys(GUARDIAN_SOURCES).sort());
  return Promise.resolve();
});

for (const [type, body] of BODIES) {
  const { table, scope, atHome, news } = GUARDIAN_SOURCES[type]!;
  const [changed] = Object.keys(news);

  stackTest(
    `SOURCES ${type}: a row becomes exactly the documented body, at its own tenant alone`,
    async () => {
      const sink = startTestSink();
      try {
        const [tenant, other] = [await createTenant(), await createTenant()];
        const integration = await sink.integrate(tenant, { scopes: [scope] });
        const foreign = await sink.integrate(other, { scopes: [scope] });
        const deaf = await sink.integrate(tenant, {
          scopes: vocabulary.SCOPES.filter((another) => another !== scope),
        });
        const id = await writeSource(tenant.id, body);
        assert.equal(JSON.stringify(await bodyAt(sink, integration, type, 0)), JSON.stringify(body));
        const wire = JSON.stringify(sink.arrivals.map(({ headers, body }) => [headers, body]));
        for (const secret of [tenant.id, tenant.orgs[0], id, integration.id, ...HOME_WORDS.split(", ")]) {
          assert.equal(wire.includes(secret), false, secret);
        }
        // What the other tenant writes afterwards arrives there: what was not meant for it would have by then.
        await writeSource(other.id, body);
        await bodyAt(sink, foreign, type, 0);
        assert.deepEqual(
          [integration, foreign, deaf].map((reader) => bodiesOf(sink, reader, type).length),
          [1, 1, 0],
        );
        assert.equal(sink.arrivalsOf(deaf).length, 0);
      } finally {
        await sink.stop();
      }
    },
  );

  stackTest(`SOURCES ${type}: an update is sent when it is news, and is silent when it is not`, async () => {
    const sink = startTestSink();
    try {
      const tenant = await createTenant();
      const integration = await sink.integrate(tenant, { scopes: [scope] });
      const id = await writeSource(tenant.id, body);
      await bodyAt(sink, integration, type, 0);
      const update = async (change: Record<string, unknown>) =>
        await sql`update public.${sql(table)} set ${sql(change)} where id = ${id}`;
      await update({ metadata: { note: "only at home" } });
      for (const words of Object.keys(atHome).filter((column) => column !== "status")) {
        await update({ [words]: "Another title" });
      }
      await update({ [changed!]: body.data[changed!] });
      await update(news);
      const second = await bodyAt(sink, integration, type, 1);
      const { updated_at: updatedAt, ...data } = second.data;
      const { updated_at: _, ...before } = body.data;
      assert.deepEqual(data, { ...before, ...news });
      if ("updated_at" in body.data) assert.equal(updatedAt, second.timestamp);
      else assert.equal(second.timestamp, body.timestamp);
      assert.equal((await eventsOf(id)).length, 2);
    } finally {
      await sink.stop();
    }
  });
}

stackTest(
  "SOURCES: a changed plan and a changed report say inside the hub that they are not new",
  async () => {
    const tenant = await createTenant();
    for (
      const [type, changed] of [
        ["uplift_plan_created", "guardian.uplift_plan_updated"],
        ["executive_report_created", "guardian.executive_report_updated"],
      ] as const
    ) {
      const { table, news } = GUARDIAN_SOURCES[type]!;
      const id = await writeSource(tenant.id, BODIES.get(type)!);
      await sql`update public.${sql(table)} set ${sql(news)} where id = ${id}`;
      assert.deepEqual((await eventsOf(id)).map((event) => event.event_type), [`guardian.${type}`, changed]);
    }
  },
);

stackTest("SOURCES: a lifecycle run is silent until it completes, and a failed one for ever", async () => {
  const tenant = await createTenant();
  const start = async () => {
    const [run] = await sql`insert into public.guardian_lifecycle_runs (tenant_id, run_type)
      values (${tenant.id}, 'compaction') returning id`;
    return run!.id as string;
  };
  const [completes, fails] = [await start(), await start()];
  await sql`update public.guardian_lifecycle_runs set items_scanned = 10 where id in ${
    sql([completes, fails])
  }`;
  await sql`update public.guardian_lifecycle_runs set status = 'failed' where id = ${fails}`;
  assert.deepEqual([...await eventsOf(completes), ...await eventsOf(fails)], []);
  await sql`update public.guardian_lifecycle_runs set status = 'completed' where id = ${completes}`;
  const [event, ...more] = await eventsOf(completes);
  assert.equal(more.length, 0);
  assert.equal(event!.payload.items_scanned, 10);
  assert.equal(event!.payload.completed_at, event!.occurred_at.toISOString());
  assert.equal((await eventsOf(fails)).length, 0);
});

stackTest("SOURCES: a task that is done knows when, and forgets it when it is reopened", async () => {
  const tenant = await createTenant();
  const planId = await writePlan(tenant.id);
  const [task] = await sql`insert into public.guardian_uplift_tasks (tenant_id, plan_id, title)
    values (${tenant.id}, ${planId}, 'Task') returning *`;
  assert.equal(task!.completed_at, null);
  const move = async (status: string) => {
    const [row] = await sql`update public.guardian_uplift_tasks set status = ${status}
      where id = ${task!.id} returning completed_at, updated_at`;
    return row!;
  };
  const done = await move("done");
  assert.deepEqual(done.completed_at, done.updated_at);
  assert.equal((await move("in_progress")).completed_at, null);
  assert.deepEqual(
    (await eventsOf(task!.id)).map(({ payload }) => [payload.status, payload.completed_at !== null]),
    [["todo", false], ["done", true], ["in_progress", false]],
  );
});

stackTest("SOURCES: one statement with many rows makes one event of each that is news", async () => {
  const tenant = await createTenant();
  const planId = await writePlan(tenant.id);
  await sql`insert into public.guardian_uplift_tasks (tenant_id, plan_id, title, status)
    select ${tenant.id}, ${planId}, 'Task ' || n, case when n <= 3 then 'done' else 'todo' end from generate_series(1, 10) n`;
  await sql`update public.guardian_uplift_tasks set status = 'done' where tenant_id = ${tenant.id}`;
  const [events] = await sql`select count(*)::integer as total, count(distinct entity_id)::integer as tasks,
      count(*) filter (where payload ->> 'status' = 'done')::integer as done
    from public.integration_events_outbox where tenant_id = ${tenant.id} and event_type = 'guardian.uplift_task_updated'`;
  assert.deepEqual({ ...events }, { total: 17, tasks: 10, done: 10 });
});

stackTest("SOURCES: what is rolled back was never an event", async () => {
  const tenant = await createTenant();
  const undone = sql.begin(async (transaction) => {
    await transaction`insert into public.guardian_uplift_plans (tenant_id, title) values (${tenant.id}, 'Plan')`;
    throw new Error("changed my mind");
  });
  await assert.rejects(undone, { message: "changed my mind" });
  const events = await sql`select id from public.integration_events_outbox where tenant_id = ${tenant.id}`;
  assert.equal(events.length, 0);
});

stackTest("SOURCES: the database knows the same words as the mappers", async () => {
  const lists: Record<string, readonly string[]> = {
    guardian_uplift_plans_status_check: vocabulary.UPLIFT_PLAN_STATUSES,
    guardian_uplift_plans_dimension_check: vocabulary.DIMENSIONS,
    guardian_uplift_tasks_status_check: vocabulary.UPLIFT_TASK_STATUSES,
    guardian_uplift_tasks_priority_check: vocabulary.UPLIFT_TASK_PRIORITIES,
    guardian_uplift_tasks_dimension_check: vocabulary.DIMENSIONS,
    guardian_edition_fits_edition_key_check: vocabulary.EDITIONS,
    guardian_edition_fits_fit_status_check: vocabulary.EDITION_FIT_STATUSES,
    guardian_executive_reports_report_type_check: vocabulary.EXECUTIVE_REPORT_TYPES,
    guardian_adoption_scores_overall_status_check: vocabulary.ADOPTION_STATUSES,
    guardian_lifecycle_runs_run_type_check: vocabulary.LIFECYCLE_RUN_TYPES,
    guardian_readiness_snapshots_band_check: vocabulary.READINESS_BANDS,
  };
  const checks = await sql`select conname, pg_get_constraintdef(oid) as definition from pg_constraint
    where contype = 'c' and conname in ${sql(Object.keys(lists))}`;
  assert.equal(checks.length, Object.keys(lists).length);
  for (const { conname, definition } of checks) {
    const words = [...definition.matchAll(/'([^']+)'::text/g)].map(([, word]) => word);
    assert.deepEqual(words, [...lists[conname]!], conname);
  }
  const tenant = await createTenant();
  for (const status of vocabulary.ADOPTION_STATUSES) {
    const dimensions = Object.fromEntries(
      vocabulary.DIMENSIONS.map((name) => [name, { score: 100, status }]),
    );
    await writeSource(tenant.id, BODIES.get("adoption_scores_computed")!, { dimensions });
  }
});

/** What no source takes: type of the row, what is wrong with it, and the check that says so. */
const REFUSED: [type: string, change: Record<string, unknown>, check: string][] = [
  ["uplift_plan_created", { status: "Ada" }, "status"],
  ["uplift_plan_created", { target_score: 101 }, "target_score"],
  ["uplift_plan_created", { title: "" }, "title"],
  ["uplift_plan_created", { created_at: "1999-12-31T23:59:59Z" }, "created_at"],
  ["uplift_plan_created", { created_at: "2100-01-01T00:00:00Z" }, "created_at"],
  ["uplift_plan_created", { metadata: [] }, "metadata"],
  ["uplift_task_updated", { priority: "asap" }, "priority"],
  ["uplift_task_updated", { completed_at: "2100-01-01T00:00:00Z" }, "completed_at"],
  ["edition_fit_computed", { edition_key: "acme-studio" }, "edition_key"],
  ["edition_fit_computed", { fit_score: -1 }, "fit_score"],
  ["executive_report_created", { period_end_on: "2026-09-30" }, "period"],
  ["executive_report_created", { risks_count: 10_000_000 }, "risks_count"],
  ["adoption_scores_computed", { dimensions: { ada: { score: 1, status: "light" } } }, "dimensions"],
  ["adoption_scores_computed", { dimensions: { core: { score: 1 } } }, "dimensions"],
  ["adoption_scores_computed", { dimensions: { core: { score: 1.5, status: "light" } } }, "dimensions"],
  ["adoption_scores_computed", { dimensions: { core: { score: 1, status: "ada" } } }, "dimensions"],
  [
    "adoption_scores_computed",
    { dimensions: { core: { score: 1, status: "light", by: "a" } } },
    "dimensions",
  ],
  ["adoption_scores_computed", { dimensions: { core: 80 } }, "dimensions"],
  ["adoption_scores_computed", { dimensions: ["core"] }, "dimensions"],
  ["lifecycle_run_completed", { items_deleted: -1 }, "items_deleted"],
  ["lifecycle_run_completed", { completed_at: "2026-11-21T09:43:59Z" }, "duration"],
];

stackTest("SOURCES: a value outside its list or range is refused where it is written", async () => {
  const tenant = await createTenant();
  for (const [type, change, check] of REFUSED) {
    const body = BODIES.get(type)!;
    await assert.rejects(writeSource(tenant.id, body, change), {
      code: "23514",
      constraint_name: `${GUARDIAN_SOURCES[type]!.table}_${check}_check`,
    }, JSON.stringify(change));
  }
});

stackTest("SOURCES: a task cannot belong to a plan of another tenant", async () => {
  const [tenant, other] = [await createTenant(), await createTenant()];
  const foreignPlan = await writePlan(other.id);
  await assert.rejects(
    async () =>
      await sql`insert into public.guardian_uplift_tasks (tenant_id, plan_id, title)
        values (${tenant.id}, ${foreignPlan}, 'Task')`,
    { code: "23503", constraint_name: "guardian_uplift_tasks_plan_fkey" },
  );
});
