import assert from "node:assert/strict";
import { startGoogleIdentity } from "../../simulators/google/identity.ts";
import { call } from "../support/api.ts";
import { allSenders } from "../support/provider_requests.ts";
import { eventually, sql, stack, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";
import { createWebhook, sendGeneric, type TestWebhook } from "../support/webhook.ts";

const asAdmin = (tenant: TestTenant) => ({ user: tenant.users.admin, orgId: tenant.orgs[0] });

const sendSample = async (tenant: TestTenant, webhook: TestWebhook) =>
  await call(`integrations/webhooks/${webhook.id}/test`, { ...asAdmin(tenant), method: "POST" });

/** What became of the events of a receipt, once all are over. */
async function outcomesOf(receiptId: string): Promise<string[]> {
  return await eventually(async () => {
    const rows = await sql`select d.status from public.integration_events_outbox e
      join public.event_dispatches d on d.event_id = e.id where e.receipt_id = ${receiptId}`;
    return rows.length > 0 && rows.every((row) => row.status !== "pending") && rows.map((row) => row.status);
  });
}

const contactsOf = async (tenant: TestTenant) =>
  (await sql`select 1 from public.crm_contacts where tenant_id = ${tenant.id}`).length;

const google = startGoogleIdentity(stack.googlePort);
globalThis.addEventListener("unload", () => void google.stop());

for (const sender of allSenders(google)) {
  stackTest(
    `WEBHOOK SAMPLE: ${sender.what}'s is verified, stored and handled, and nobody acts on it`,
    async () => {
      const tenant = await createTenant();
      const webhook = await createWebhook(tenant, sender.provider, tenant.orgs[0], {
        settings: sender.settings,
        ...(sender.scheme.secretFrom === "nobody" ? {} : { secret: sender.secret }),
      });
      if (sender.scheme.sample(sender.secret, sender.settings, Date.now(), webhook.url) === null) {
        const { status, body } = await sendSample(tenant, webhook);
        assert.deepEqual([status, body.error_code], [409, "CONFLICT"]);
        return;
      }
      const answers = [await sendSample(tenant, webhook), await sendSample(tenant, webhook)];
      for (const { status, body } of answers) {
        assert.deepEqual(
          [status, body.success, body.status, body.why],
          [200, true, 200, null],
          JSON.stringify(body),
        );
        if (body.answer.startsWith("{")) assert.equal(JSON.parse(body.answer).receipt_id, body.receipt_id);
        assert.equal(body.url, webhook.url.split("?")[0]);
        assert.equal(JSON.stringify(body).includes(sender.secret), sender.secret === "");
        assert.deepEqual(await outcomesOf(body.receipt_id), ["done"]);
      }
      assert.notEqual(answers[0]!.body.receipt_id, answers[1]!.body.receipt_id, "each tells something new");
      assert.equal(await contactsOf(tenant), 0);
    },
  );
}

stackTest(
  "WEBHOOK SAMPLE: after a replay nobody acts on it either, and who is no test does not pass for one",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant);
    const { body } = await sendSample(tenant, webhook);
    await outcomesOf(body.receipt_id);
    const replayed = await call(`integrations/webhooks/${webhook.id}/receipts/${body.receipt_id}/replay`, {
      ...asAdmin(tenant),
      method: "POST",
    });
    assert.equal(replayed.status, 202);
    assert.deepEqual(await outcomesOf(body.receipt_id), ["done"]);
    assert.equal(await contactsOf(tenant), 0);
    const other = await createWebhook(tenant, "generic_hmac");
    const ids = [`test_${crypto.randomUUID()}`, `test_${body.test_id}`, "test_no_uuid", "plain-request"];
    for (const [index, id] of ids.entries()) {
      const sent = await sendGeneric(other, JSON.stringify({ index }), { "x-request-id": id });
      const [row] = await sql`select public.get_webhook_receipt_bodies(array[${sent.body
        .receipt_id as string}::uuid])
      #>> array[${sent.body.receipt_id as string}, 'is_test'] as is_test`;
      assert.equal(row!.is_test, "false", id);
    }
  },
);

stackTest("WEBHOOK SAMPLE: it passes through the signing URL of the webhook", async () => {
  const tenant = await createTenant();
  const created = await call("integrations/webhooks", {
    ...asAdmin(tenant),
    body: {
      provider: "hubspot",
      name: "Behind a proxy",
      secret: "0123456789abcdef",
      signing_url: "https://hooks.example.com/in",
    },
  });
  const { body } = await sendSample(tenant, created.body);
  assert.deepEqual([body.success, body.url], [true, created.body.url], JSON.stringify(body));
});

stackTest("WEBHOOK SAMPLE: what the receiver does not take is told as it answered it", async () => {
  const tenant = await createTenant();
  const webhook = await createWebhook(tenant);
  await sql.unsafe(`
    create function public.refuse_receipt() returns trigger language plpgsql as
      $$ begin raise exception 'refused' using errcode = '23514'; end $$;
    create trigger refuse_receipt before insert on public.webhook_receipts
      for each row when (new.webhook_id = '${webhook.id}') execute function public.refuse_receipt()`);
  try {
    const { body } = await sendSample(tenant, webhook);
    assert.deepEqual([body.success, body.status, body.receipt_id], [false, 422, null], JSON.stringify(body));
    assert.equal(JSON.parse(body.answer).error_code, "VALIDATION_FAILED");
    assert.match(body.why, /the answer says why/);
  } finally {
    await sql.unsafe(
      `drop trigger refuse_receipt on public.webhook_receipts; drop function public.refuse_receipt()`,
    );
  }
  await call(`integrations/webhooks/${webhook.id}`, {
    ...asAdmin(tenant),
    method: "PATCH",
    body: { is_active: false },
  });
  const inactive = await sendSample(tenant, webhook);
  assert.deepEqual([inactive.status, inactive.body.error_code], [409, "CONFLICT"]);
});
