import assert from "node:assert/strict";
import { hubspotEvent, hubspotHeaders } from "../../simulators/hubspot/webhook.ts";
import { FaultControl } from "../chaos/fault_control.ts";
import { withFunctionProcess } from "../support/function_process.ts";
import { eventually, sql, stack, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";
import { createWebhook, sendGeneric } from "../support/webhook.ts";

const TRANSPORTS: Record<string, Record<string, string>> = {
  PostgREST: {},
  "a direct connection": { INTERLOCK_DB_URL: stack.dbUrl },
};

for (const [transport, env] of Object.entries(TRANSPORTS)) {
  stackTest(
    `ACKNOWLEDGED: a receiver killed with its answer on the wire leaves the event behind, over ${transport}`,
    async () => {
      const tenant = await createTenant();
      const webhook = await createWebhook(tenant);
      // HubSpot signs the address: the one it was given, not the one this test sends to.
      const given = webhook.url;
      for (const objectId of [1, 2, 3]) {
        await withFunctionProcess("webhook-receiver", env, async ({ pid }, url) => {
          const { headers, body } = signedFor(given, webhook.secret, objectId);
          const answer = await fetch(`${url}/${webhook.id}`, { method: "POST", headers, body });
          Deno.kill(pid, "SIGKILL");
          assert.equal(answer.status, 200);
          await answer.body?.cancel().catch(() => {});
        });
      }
      await eventually(async () => {
        const rows = await sql`select external_id from public.identity_external_id_map
          where tenant_id = ${tenant.id} order by 1`;
        return rows.map((row) => row.external_id).join() === "62515:1,62515:2,62515:3";
      });
      const [row] = await sql`select count(*)::int as n from public.integration_events_outbox
        where webhook_id = ${webhook.id}`;
      assert.equal(row!.n, 3);
    },
  );
}

function signedFor(url: string, secret: string, objectId: number) {
  const body = JSON.stringify([hubspotEvent({ subscriptionType: "contact.creation", objectId })]);
  return { headers: hubspotHeaders({ url, secret, body }), body };
}

stackTest(
  "ACKNOWLEDGED: killed between commit and answer, it is sent again and is a duplicate of itself",
  async () => {
    const webhook = await createWebhook(await createTenant(), "generic_hmac");
    const control = new FaultControl();
    const body = JSON.stringify({ id: crypto.randomUUID() });
    try {
      const strike = control.arm({ point: "receive.stored", pass: 1, act: "kill" });
      const env = { FAULT_CONTROL_URL: control.url };
      await withFunctionProcess("webhook-receiver", env, async (_, url) => {
        const lost = await sendGeneric({ ...webhook, url: `${url}/${webhook.id}` }, body).catch(() => null);
        assert.equal(lost, null, "nobody was answered");
        assert.equal((await strike).point, "receive.stored");
      });
    } finally {
      await control.stop();
    }
    const [stored] = await sql`select id from public.webhook_receipts where webhook_id = ${webhook.id}`;
    const again = await sendGeneric(webhook, body);
    assert.deepEqual([again.status, again.body.duplicate, again.body.receipt_id], [200, true, stored!.id]);
  },
);
