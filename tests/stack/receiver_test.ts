import assert from "node:assert/strict";
import { Webhook } from "standardwebhooks";
import { hubspotEvent, hubspotHeaders, sendHubspotEvents } from "../../simulators/hubspot/webhook.ts";
import { call } from "../support/api.ts";
import { sql, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";
import { createWebhook, genericSignature, receiverUrl, sendGeneric } from "../support/webhook.ts";

async function receiptsOf(webhookId: string) {
  return await sql`select r.*, b.headers, b.body from public.webhook_receipts r
    join public.webhook_receipt_bodies b on b.receipt_id = r.id where r.webhook_id = ${webhookId} order by r.received_at`;
}

stackTest("the bytes of a request are kept exactly as they came, credentials masked", async () => {
  const tenant = await createTenant();
  const webhook = await createWebhook(tenant, "generic_hmac");
  const body = "\ufeff".slice(1) +
    '{"b":1, "a":2.10,\n"a ":3, "big":12345678901234567890.5, "nul":"\\u0000"}';
  const sent = await sendGeneric(webhook, body, {
    "x-api-key": "canary-header-secret",
    "cookie": "canary=1",
    "x-custom": "kept",
  });
  assert.deepEqual([sent.status, sent.body.duplicate], [200, false]);
  const [receipt] = await receiptsOf(webhook.id);
  assert.equal(new TextDecoder().decode(receipt!.body), body);
  const headers = JSON.parse(receipt!.headers);
  assert.deepEqual([headers["x-api-key"], headers.cookie, headers["x-custom"]], ["***", "***", "kept"]);
  assert.equal(headers["x-signature"], genericSignature(webhook.secret, body));
});

stackTest(
  "Standard Webhooks: what the standard's own library signs is stored once per webhook-id",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant, "standard_webhooks");
    const body = JSON.stringify({ type: "invoice.paid", data: {} });
    const send = (id: string) => {
      const at = new Date();
      const headers = {
        "webhook-id": id,
        "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
        "webhook-signature": new Webhook(webhook.secret).sign(id, at, body),
      };
      return fetch(webhook.url, { method: "POST", headers, body }).then((response) => response.json());
    };
    const [first, again, other] = [await send("msg_1"), await send("msg_1"), await send("msg_2")];
    assert.deepEqual([first.duplicate, again.duplicate, other.duplicate], [false, true, false]);
    assert.equal(again.receipt_id, first.receipt_id);
    const types =
      await sql`select payload ->> 'type' as type from public.integration_events_outbox where webhook_id = ${webhook.id}`;
    assert.deepEqual(types.map((row) => row.type), ["invoice.paid", "invoice.paid"]);
  },
);

stackTest("a partly seen HubSpot batch stores only the new elements", async () => {
  const tenant = await createTenant();
  const webhook = await createWebhook(tenant);
  const [one, two, three] = [1, 2, 3].map((objectId) =>
    hubspotEvent({ subscriptionType: "contact.creation", objectId })
  );
  const first = await (await sendHubspotEvents(webhook, [one!, two!])).json();
  const retried = [{ ...one!, attemptNumber: 1 }, { ...two!, attemptNumber: 1 }];
  const second = await (await sendHubspotEvents(webhook, retried)).json();
  const third = await (await sendHubspotEvents(webhook, [{ ...two!, attemptNumber: 2 }, three!])).json();
  assert.deepEqual([first.duplicate, second.duplicate, third.duplicate], [false, true, false]);
  assert.equal(second.receipt_id, first.receipt_id);
  const receipts = await receiptsOf(webhook.id);
  assert.deepEqual(receipts.map((row) => [row.event_count, row.duplicate_count]), [[2, 0], [1, 1]]);
});

stackTest("the envelope form takes {webhook_id, event, data} signed with the webhook's secret", async () => {
  const tenant = await createTenant();
  const webhook = await createWebhook(tenant, "generic_hmac");
  const body = JSON.stringify({ webhook_id: webhook.id, event: "order.paid", data: { id: 1 } });
  const send = (signature: string) =>
    fetch(receiverUrl, {
      method: "POST",
      headers: { "content-type": "application/json", "x-signature": signature },
      body,
    });
  const good = await send(genericSignature(webhook.secret, body));
  assert.equal(good.status, 200);
  await good.body?.cancel();
  const bad = await send(genericSignature("another secret", body));
  assert.equal(bad.status, 401);
  await bad.body?.cancel();
  const [event] =
    await sql`select payload from public.integration_events_outbox where webhook_id = ${webhook.id}`;
  assert.equal(event!.payload.type, "order.paid");
  for (const wrong of ["{}", "[]", '{"webhook_id": 1}', '"x"']) {
    const answer = await fetch(receiverUrl, { method: "POST", body: wrong });
    assert.equal(answer.status, 422, wrong);
    await answer.body?.cancel();
  }
});

stackTest("an unknown webhook, an inactive one and a bad signature are answered alike", async () => {
  const tenant = await createTenant();
  const inactive = await createWebhook(tenant, "generic_hmac");
  const active = await createWebhook(tenant, "generic_hmac");
  await call(`integrations/webhooks/${inactive.id}`, {
    method: "PATCH",
    user: tenant.users.admin,
    orgId: tenant.orgs[0],
    body: { is_active: false },
  });
  const unknown = { ...active, url: `${receiverUrl}/${crypto.randomUUID()}` };
  const malformed = { ...active, url: `${receiverUrl}/not-a-uuid` };
  const wrongSecret = { ...active, secret: "x".repeat(32) };
  const answers = [];
  for (const webhook of [inactive, unknown, malformed, wrongSecret]) {
    const { status, body, headers } = await sendGeneric(webhook, '{"a":1}');
    const { request_id: requestId, ...rest } = body;
    assert.equal(headers.get("x-request-id"), requestId);
    const shared = [...headers].filter(([name]) => !["x-request-id", "date"].includes(name)).sort();
    answers.push(JSON.stringify([status, rest, shared]));
  }
  assert.equal(new Set(answers).size, 1, answers.join("\n"));
  assert.equal(JSON.parse(answers[0]!)[0], 401);
  const [row] =
    await sql`select count(*)::int as n from public.webhook_receipts where tenant_id = ${tenant.id}`;
  assert.equal(row!.n, 0);
});

stackTest(
  "a rotated secret works at once, the old one for the overlap only, a deactivated webhook not at all",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant, "generic_hmac");
    const admin = { user: tenant.users.admin, orgId: tenant.orgs[0] };
    const statusOf = async (secret: string) =>
      (await sendGeneric({ ...webhook, secret }, crypto.randomUUID(), { "content-type": "text/plain" }))
        .status;
    assert.equal(await statusOf(webhook.secret), 200);
    const rotated = await call(`integrations/webhooks/${webhook.id}/rotate`, {
      ...admin,
      body: { overlap_seconds: 600 },
    });
    const second = rotated.body.signing_secret;
    assert.deepEqual([await statusOf(second), await statusOf(webhook.secret)], [200, 200]);
    const again = await call(`integrations/webhooks/${webhook.id}/rotate`, {
      ...admin,
      body: { overlap_seconds: 0 },
    });
    assert.equal(again.status, 200);
    assert.deepEqual([
      await statusOf(again.body.signing_secret),
      await statusOf(second),
      await statusOf(webhook.secret),
    ], [200, 401, 401]);
    await call(`integrations/webhooks/${webhook.id}`, {
      method: "PATCH",
      ...admin,
      body: { is_active: false },
    });
    assert.equal(await statusOf(again.body.signing_secret), 401);
    await call(`integrations/webhooks/${webhook.id}`, {
      method: "PATCH",
      ...admin,
      body: { is_active: true },
    });
    await new Promise((resolve) => setTimeout(resolve, 1100));
    assert.equal(await statusOf(again.body.signing_secret), 200);
  },
);

stackTest("a body above 1 MiB is refused with 413, whatever its Content-Length says", async () => {
  const tenant = await createTenant();
  const webhook = await createWebhook(tenant, "generic_hmac");
  const large = new Uint8Array(1024 * 1024 + 1).fill(97);
  const whole = await fetch(webhook.url, {
    method: "POST",
    body: large,
    headers: { "x-signature": genericSignature(webhook.secret, large) },
  });
  assert.deepEqual([whole.status, (await whole.json()).error_code], [413, "PAYLOAD_TOO_LARGE"]);
  const chunked = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let part = 0; part < 20; part++) controller.enqueue(new Uint8Array(64 * 1024).fill(97));
      controller.close();
    },
  });
  const streamed = await fetch(webhook.url, { method: "POST", body: chunked });
  assert.deepEqual([streamed.status, (await streamed.json()).error_code], [413, "PAYLOAD_TOO_LARGE"]);
  const exact = new Uint8Array(1024 * 1024).fill(97);
  const taken = await fetch(webhook.url, {
    method: "POST",
    body: exact,
    headers: { "content-type": "text/plain", "x-signature": genericSignature(webhook.secret, exact) },
  });
  assert.equal(taken.status, 200);
  await taken.body?.cancel();
});

stackTest("malformed bodies with a good signature are 400 with a code, and nothing is stored", async () => {
  const tenant = await createTenant();
  const webhook = await createWebhook(tenant);
  for (const body of ["", "{", "{}", "[]", "[1", "\u0000", "[" + "[".repeat(50_000)]) {
    const response = await fetch(webhook.url, {
      method: "POST",
      headers: hubspotHeaders({ ...webhook, body }),
      body,
    });
    const answer = await response.json();
    assert.deepEqual([response.status, answer.error_code], [400, "MALFORMED_BODY"], body.slice(0, 10));
    assert.equal(answer.request_id, response.headers.get("x-request-id"));
  }
  assert.equal((await receiptsOf(webhook.id)).length, 0);
});

stackTest("a HubSpot request verifies with the query it was called with, and not with another", async () => {
  const tenant = await createTenant();
  const webhook = await createWebhook(tenant);
  const body = JSON.stringify([hubspotEvent({ subscriptionType: "contact.creation", objectId: 1 })]);
  const url = `${webhook.url}?tag=a%20b`;
  const headers = hubspotHeaders({ url, body, secret: webhook.secret });
  const good = await fetch(url, { method: "POST", headers, body });
  assert.equal(good.status, 200, await good.text());
  const moved = await fetch(`${webhook.url}?tag=other`, { method: "POST", headers, body });
  assert.equal(moved.status, 401);
  await moved.body?.cancel();
});
