import assert from "node:assert/strict";
import { join } from "node:path";
import postgres from "postgres";
import { startStack } from "../../local/stack.ts";
import { startSink } from "../../simulators/sink/sink.ts";
import { eventually } from "../support/bare_stack.ts";
import { fillFromPrepared } from "../support/prepared_data.ts";
import { report } from "../support/report.ts";

const BACKLOG = 6000;
const WORKER = "meta-webhook-deliver";

/** Longest time in which nothing arrived, in milliseconds. */
function largestGapMs(atMs: number[]): number {
  return atMs.reduce((largest, ms, index) => index === 0 ? 0 : Math.max(largest, ms - atMs[index - 1]!), 0);
}

/** Workers are replaced sooner than on the platform, so that few thousands meet it; what kills one is the platform's limit. */
Deno.test("LIMITS: a backlog drains through workers that retire on the way, each delivery once", async () => {
  const root = await Deno.makeTempDir({ prefix: "interlock-retirement-test-" });
  await Deno.chmod(root, 0o755);
  await fillFromPrepared("migrated", join(root, "data"));
  const stack = await startStack({
    dataDir: join(root, "data"),
    port: 0,
    functionEnv: { INTERLOCK_EGRESS_ALLOW_LOCAL: "1" },
    limits: { cpuSoftMs: 600 },
  });
  const sql = postgres(stack.dbUrl, { max: 1, onnotice: () => {} });
  const atMs: number[] = [];
  const sink = startSink({
    secretOf: () => undefined,
    onArrival: () => void atMs.push(performance.now()),
    answer: () => new Response(null, { status: 204 }),
  });
  try {
    await sql`update public.guardian_meta_integrations
      set config = config || jsonb_build_object('webhook_url', ${`${sink.url}/acme`}::text, 'max_in_flight', 50),
        config_version = config_version + 1
      where integration_key = 'demo-sink'`;
    await sql`insert into public.guardian_readiness_snapshots (tenant_id, overall_score, band)
      select tenant_id, 1, 'baseline' from public.guardian_meta_integrations, generate_series(1, ${BACKLOG}::integer)
      where integration_key = 'demo-sink' limit ${BACKLOG}`;
    await eventually("all are delivered", 90_000, async () => {
      const [row] =
        await sql`select count(*)::integer as n from public.guardian_meta_webhook_events where status = 'delivered'`;
      return row!.n === BACKLOG;
    });
    const usage = (await stack.functions.usage()).find((row) => row.function === WORKER)!;
    report(
      `${BACKLOG} deliveries by ${usage.workers_started} workers, largest gap ${
        largestGapMs(atMs).toFixed(0)
      } ms, ` +
        `${(BACKLOG / (atMs.at(-1)! - atMs[0]!) * 1000).toFixed(0)}/s`,
    );
    assert.ok(usage.workers_started >= 3, "workers were to retire");
    assert.equal(atMs.length, BACKLOG, "none came twice");
    const [attempts] = await sql`select count(*)::integer as n from public.guardian_meta_webhook_attempts`;
    assert.equal(attempts!.n, BACKLOG, "none was lost on the way");
    assert.doesNotMatch(
      await Deno.readTextFile(stack.logFile),
      /^\S+ limits +error/m,
      "no worker was killed",
    );
  } finally {
    await sql.end({ timeout: 1 });
    await stack.stop();
    await sink.stop();
    await Deno.remove(root, { recursive: true });
  }
});
