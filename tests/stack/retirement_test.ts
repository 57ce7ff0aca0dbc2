import assert from "node:assert/strict";
import { join } from "node:path";
import postgres from "postgres";
import { describeDemo } from "../../local/demo.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import { hubspotEvent, sendHubspotEvents } from "../../simulators/hubspot/webhook.ts";
import { eventually } from "../support/bare_stack.ts";
import { fillFromPrepared } from "../support/prepared_data.ts";

const LEAST_WEBHOOKS = 300;
const MOST_WEBHOOKS = 3000;
/** Three workers of a function have been: two retired on the way. */
const WORKERS = 3;

/** How many workers each of the two functions of the journey has had, the smaller count. */
async function workersSoFar(stack: Stack): Promise<number> {
  const journey = ["webhook-receiver", "event-dispatch"];
  const usage = (await stack.functions.usage()).filter((row) => journey.includes(row.function));
  return Math.min(...usage.map((row) => row.workers_started));
}

/**
 * The hub's own functions, with so little CPU that both are replaced many times during the stream. A drainer that is killed
 * in the middle of its work would keep its leases for a minute, which is longer than this test waits.
 */
Deno.test("LIMITS: 300 webhooks and more travel through workers that retire on the way, each once", async () => {
  const root = await Deno.makeTempDir({ prefix: "interlock-retirement-test-" });
  await Deno.chmod(root, 0o755);
  await fillFromPrepared("migrated", join(root, "data"));
  const stack = await startStack({
    dataDir: join(root, "data"),
    port: 0,
    limits: { cpuSoftMs: 350, cpuHardMs: 900 },
  });
  const sql = postgres(stack.dbUrl, { max: 1, onnotice: () => {} });
  try {
    const demo = await describeDemo(stack);
    const webhook = demo.webhooks.find((candidate) => candidate.provider === "hubspot")!;
    const receiptIds = new Set<string>();
    let sent = 0;
    while (sent < LEAST_WEBHOOKS || (sent < MOST_WEBHOOKS && await workersSoFar(stack) < WORKERS)) {
      const event = hubspotEvent({ subscriptionType: "contact.creation", objectId: ++sent });
      const response = await sendHubspotEvents(webhook, [event]);
      const answer = await response.json();
      assert.equal(response.status, 200, JSON.stringify(answer));
      assert.equal(answer.duplicate, false);
      receiptIds.add(answer.receipt_id);
    }
    assert.ok(await workersSoFar(stack) >= WORKERS, "the workers of both functions were to retire twice");
    assert.equal(receiptIds.size, sent);
    await eventually("the end of all dispatches", 20_000, async () => {
      const [row] =
        await sql`select count(*) filter (where status = 'done')::int as done, count(*)::int as total
        from public.event_dispatches`;
      return row!.done === sent && row!.total === sent;
    });
    const [contacts] = await sql`select count(*)::int as count from public.crm_contacts
      where tenant_id = ${webhook.tenant_id}`;
    assert.equal(contacts!.count, sent);
    const log = await Deno.readTextFile(stack.logFile);
    assert.doesNotMatch(log, /^\S+ limits +error/m, "no worker was killed, no request refused");
  } finally {
    await sql.end({ timeout: 1 });
    await stack.stop();
    await Deno.remove(root, { recursive: true });
  }
});
