import assert from "node:assert/strict";
import { hubspotEvent, hubspotHeaders } from "../../simulators/hubspot/webhook.ts";
import { DEMO_APP_SECRETS } from "../../local/demo_app_secrets.ts";
import {
  contactEvent,
  createCustomer,
  sendEvents,
  sendToApp,
  zohoNotification,
  zohoToken,
} from "../support/app.ts";
import { call } from "../support/api.ts";
import { deliveryWith, startTestSink, writeReadiness } from "../support/outbound.ts";
import { adminSql, eventually, sql, stack, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";
import { createWebhook, sendGeneric } from "../support/webhook.ts";

/** Tables where a canary may stand: Vault itself, and pg_net's queue, which holds the hub key while a bell is in it. */
const EXEMPT: Record<string, string[]> = { hub: ["net.http_request_queue"] };

/** Where any of the values stands, as text or as bytes: `schema.table: value`. Every table is read once for all of them. */
async function placesOf(values: string[]): Promise<string[]> {
  const tables =
    await adminSql`select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')`;
  const places: string[] = [];
  for (const { schema, name } of tables) {
    const hits = await adminSql`select distinct v.value
      from (select t::text as row from only ${adminSql(`${schema}.${name}`)} t offset 0) r
      cross join unnest(${values}::text[]) as v (value)
      where position(v.value in r.row) > 0 or position(encode(convert_to(v.value, 'UTF8'), 'hex') in r.row) > 0`;
    places.push(...hits.map(({ value }) => `${schema}.${name}: ${value}`));
  }
  return places;
}

stackTest(
  "CANARY: planted secrets are in no table outside Vault, no log line, no answer and no error",
  async () => {
    const tenant = await createTenant();
    const admin = { user: tenant.users.admin, orgId: tenant.orgs[0] };
    const secrets = ["first", "second", "third"].map((name) => `canary-${name}-${crypto.randomUUID()}`);
    const header = `canary-header-${crypto.randomUUID()}`;
    const answers: string[] = [];
    const keep = async (answer: Promise<{ status: number; body: unknown }>) => {
      const { status, body } = await answer;
      answers.push(JSON.stringify(body));
      return { status, body };
    };

    const created = await call("integrations/webhooks", {
      ...admin,
      body: { provider: "hubspot", name: "Canary", secret: secrets[0] },
    });
    assert.equal(created.status, 201);
    const webhook = { url: created.body.url as string, secret: secrets[0]!, id: created.body.id as string };
    // Every request carries further credentials in its headers, as a careless sender's would.
    const send = async (secret: string) => {
      const body = JSON.stringify([
        hubspotEvent({ subscriptionType: "contact.creation", objectId: Math.floor(Math.random() * 1e9) }),
      ]);
      const headers = {
        ...hubspotHeaders({ url: webhook.url, body, secret }),
        authorization: header,
        "x-api-key": header,
        cookie: header,
      };
      return await (await fetch(webhook.url, { method: "POST", headers, body })).text();
    };
    answers.push(await send(secrets[0]!), await send("wrong-secret"));
    await keep(
      call(`integrations/webhooks/${webhook.id}/rotate`, { ...admin, body: { secret: "short-canary" } }),
    );
    for (const secret of secrets.slice(1)) {
      const rotated = await call(`integrations/webhooks/${webhook.id}/rotate`, {
        ...admin,
        body: { secret, overlap_seconds: 60 },
      });
      assert.equal(rotated.status, 200);
      answers.push(await send(secret));
    }
    await keep(call("integrations/webhooks", admin));
    await keep(call(`integrations/webhooks/${webhook.id}`, admin));
    const receipts = await call(`integrations/webhooks/${webhook.id}/receipts`, admin);
    for (const receipt of receipts.body.data) {
      await keep(
        call(`integrations/webhooks/${webhook.id}/receipts/${receipt.id}`, admin),
      );
    }
    await keep(
      call("integrations/webhooks", {
        ...admin,
        body: { provider: "hubspot", name: "x".repeat(300), secret: secrets[0] },
      }),
    );
    // Apps: what they sign with is the hub's own, and a Zoho channel's token comes in the body.
    const [portal, channel] = [await createCustomer("hubspot"), await createCustomer("zoho")];
    await keep(sendEvents(contactEvent(portal.accountId)));
    await keep(sendToApp("zoho", zohoNotification(channel.accountId)));
    for (const { tenant, webhookId } of [portal, channel]) {
      const options = { user: tenant.users.admin, orgId: tenant.orgs[0], method: "POST" };
      assert.equal((await keep(call(`integrations/webhooks/${webhookId}/test`, options))).status, 200);
      await keep(call(`integrations/webhooks/${webhookId}/reveal`, options));
    }
    secrets.push(...Object.values(DEMO_APP_SECRETS), zohoToken(channel.accountId));
    // The way out: the signing secret is ours, the header's value the customer's, and the endpoint echoes all of it.
    const sink = startTestSink((arrival) =>
      new Response(JSON.stringify([arrival.headers, `Basic ${arrival.headers["x-customer-key"]}`]), {
        status: 500,
      })
    );
    const outbound = `canary-outbound-${crypto.randomUUID()}`;
    try {
      const integration = await sink.integrate(tenant, {
        config: { headers: { "X-Customer-Key": outbound } },
      });
      await writeReadiness(tenant.id);
      await deliveryWith(integration.id, "failed");
      assert.equal(sink.arrivals[0]!.headers["x-customer-key"], outbound);
      await keep(
        call("guardian-meta/integrations/test", { ...admin, body: { integration_id: integration.id } }),
      );
      // Both kinds sign for the overlap; the private key is made in the hub and only Vault may tell it.
      await keep(
        call(`guardian-meta/integrations/${integration.id}/rotate`, { ...admin, body: { signature: "v1a" } }),
      );
      await keep(
        call("guardian-meta/integrations/test", { ...admin, body: { integration_id: integration.id } }),
      );
      const [stored] = await sql`select s.decrypted_secret as private_key
        from public.guardian_meta_integrations i join vault.decrypted_secrets s on s.id = i.secret_ref
        where i.id = ${integration.id}`;
      const privateKey: string = stored!.private_key;
      assert.match(privateKey, /^whsk_/);
      await keep(call("guardian-meta/integrations", admin));
      secrets.push(outbound, integration.signingSecret, privateKey);
    } finally {
      await sink.stop();
    }
    await eventually(async () =>
      (await sql`select 1 from public.event_dispatches where tenant_id = ${tenant.id} and status = 'pending'`)
        .length === 0
    );
    await eventually(async () => (await adminSql`select 1 from net.http_request_queue`).length === 0);

    const keys = { ...stack.keys.secretKeys, password: stack.keys.databasePassword };
    const exempt = Object.entries(EXEMPT).flatMap(([name, tables]) =>
      tables.map((table) => `${table}: ${keys[name as keyof typeof keys]}`)
    );
    const places = await placesOf([...secrets, header, ...Object.values(keys)]);
    assert.deepEqual(places.filter((place) => !exempt.includes(place)), []);
    for (const secret of [...secrets, header]) {
      assert.equal(answers.some((answer) => answer.includes(secret)), false, `${secret} in an answer`);
    }
    const log = await Deno.readTextFile(stack.logFile);
    for (const value of [...secrets, header, ...Object.values(keys)]) {
      assert.equal(log.includes(value), false, "a secret in the log");
    }
  },
);

stackTest(
  "CANARY: the search itself finds a secret that was put into a table, as text and as bytes",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant, "generic_hmac");
    const canary = `canary-${crypto.randomUUID()}`;
    await sql`update public.integration_webhooks set name = ${canary} where id = ${webhook.id}`;
    assert.ok((await placesOf([canary])).includes(`public.integration_webhooks: ${canary}`));
    const bytes = `canary-${crypto.randomUUID()}`;
    await sendGeneric(webhook, JSON.stringify({ bytes }));
    assert.deepEqual(await placesOf([bytes]), [`public.webhook_receipt_bodies: ${bytes}`]);
  },
);
