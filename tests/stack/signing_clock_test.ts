import assert from "node:assert/strict";
import { createEgressClient } from "../../supabase/functions/_shared/guardrails/egress/egress_client.ts";
import { withLoneWorker } from "../support/lone_worker.ts";
import { headerOf } from "../support/tampering.ts";
import { startStandardReceiver } from "../support/standard_receiver.ts";

const HOUR_MS = 3_600_000;
const OVERLAP_SECONDS = 7200;
const NEW_SECRET = `whsec_${btoa("n".repeat(32))}`;
const trueNowMs = Date.now;

/**
 * Lets a worker whose clock is wrong read an overlap once, and time go by in it: what signs must not depend on the
 * clock's error, nor on the worker reading again.
 */
async function outliveOverlap(workerClockMs: number): Promise<void> {
  const receiver = await startStandardReceiver();
  const client = createEgressClient({ ports: [443], allowLocal: true });
  let elapsedMs = 0;
  Date.now = () => trueNowMs() + workerClockMs + elapsedMs;
  try {
    const config = { webhook_url: receiver.url };
    await withLoneWorker(
      { send: client.sendRequest, config },
      async ({ sql, integrationId, produce, attempt }) => {
        const signatures = async () => {
          await produce();
          await attempt();
          return headerOf(receiver.requests.at(-1)!, "webhook-signature").split(" ").length;
        };
        assert.equal(await signatures(), 1);
        await sql`select public.rotate_guardian_meta_integration_secret(
          i.tenant_id, i.id, ${NEW_SECRET}, ${OVERLAP_SECONDS}, null)
        from public.guardian_meta_integrations i where i.id = ${integrationId}`;
        assert.equal(await signatures(), 2, "the overlap has begun");
        // A worker that read again would now go on for a day: only what it knows already can end the overlap.
        await sql`update public.guardian_meta_integrations set previous_secret_expires_at = now() + interval '1 day'`;
        elapsedMs = OVERLAP_SECONDS * 1000 - 60_000;
        assert.equal(await signatures(), 2, "a minute is left");
        elapsedMs = OVERLAP_SECONDS * 1000;
        assert.equal(await signatures(), 1, "the overlap is over");
      },
    );
  } finally {
    Date.now = trueNowMs;
    client.close();
    await receiver.close();
  }
}

for (
  const [clock, workerClockMs] of [["right", 0], ["a day behind", -24 * HOUR_MS], [
    "a day ahead",
    24 * HOUR_MS,
  ]] as const
) {
  Deno.test({
    name:
      `the old secret signs for the overlap and not longer, with a warm cache, where the worker's clock is ${clock}`,
    fn: () => outliveOverlap(workerClockMs),
    sanitizeOps: false,
    sanitizeResources: false,
  });
}
