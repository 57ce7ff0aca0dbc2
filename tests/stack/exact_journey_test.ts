import assert from "node:assert/strict";
import { hubspotHeaders } from "../../simulators/hubspot/webhook.ts";
import { startTestSink } from "../support/outbound.ts";
import { eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";
import { createWebhook } from "../support/webhook.ts";

/** Numbers that a float would change, and texts that a careless reader would. */
const PORTAL = "9007199254740993";
const OBJECT = "123456789012345678901234567890";
const VALUES: Record<string, { written: string; kept: string }> = {
  big_integer: { written: "9007199254740993", kept: "9007199254740993" },
  long_fraction: {
    written: "0.1000000000000000055511151231257827",
    kept: "0.1000000000000000055511151231257827",
  },
  trailing_zeros: { written: "19.90", kept: "19.90" },
  beyond_float: { written: "1e999", kept: "1e999" },
  emoji: { written: '"\\ud83d\\ude00 \u0301"', kept: "\ud83d\ude00 \u0301" },
  right_to_left: { written: '"\u202eabc"', kept: "\u202eabc" },
  line_separators: { written: '"\\u2028\\u2029"', kept: "\u2028\u2029" },
  looks_like_code: { written: '"</script>${1}{{2}}"', kept: "</script>${1}{{2}}" },
};

stackTest(
  "digits and characters arrive as they were written: receipt, contact, event and delivery",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant);
    const sink = startTestSink();
    try {
      const subscription = await sink.subscribe(tenant, { event_types: ["contact.*"] }, {
        orgId: tenant.orgs[0],
      });
      const occurredAt = Date.now();
      const element = (name: string, written: string, nth: number) =>
        `{"eventId":${nth + 1},"portalId":${PORTAL},"objectId":${OBJECT},"occurredAt":${occurredAt + nth},` +
        `"subscriptionType":"contact.propertyChange","propertyName":"${name}","propertyValue":${written}}`;
      const body = `[${
        Object.entries(VALUES).map(([name, { written }], nth) => element(name, written, nth)).join(",\n")
      }]`;
      const sent = await fetch(webhook.url, {
        method: "POST",
        headers: hubspotHeaders({ ...webhook, body }),
        body,
      });
      assert.equal(sent.status, 200, await sent.text());

      const [receipt] = await sql`select b.body from public.webhook_receipt_bodies b
      join public.webhook_receipts r on r.id = b.receipt_id where r.webhook_id = ${webhook.id}`;
      assert.equal(new TextDecoder().decode(receipt!.body), body);
      const kept = Object.fromEntries(Object.entries(VALUES).map(([name, value]) => [name, value.kept]));
      const contact = await eventually(async () => {
        const [row] =
          await sql`select id, properties from public.crm_contacts where tenant_id = ${tenant.id}`;
        return Object.keys(row?.properties ?? {}).length === Object.keys(VALUES).length ? row : null;
      });
      assert.deepEqual(contact.properties, kept);
      const [identity] = await sql`select external_id from public.identity_external_id_map
      where tenant_id = ${tenant.id}`;
      assert.equal(identity!.external_id, `${PORTAL}:${OBJECT}`);

      const events = await eventually(async () => {
        const [row] = await sql`select count(*)::int as n from public.integration_events_outbox
        where tenant_id = ${tenant.id} and event_type like 'contact.%'`;
        const arrivals = sink.arrivalsOf(subscription);
        return arrivals.length === row!.n && row!.n > 0 ? arrivals : null;
      });
      const texts = events.map(({ body }) =>
        typeof body === "string" ? body : new TextDecoder().decode(body)
      );
      assert.ok(texts.every((text) => text.includes(`"${PORTAL}:${OBJECT}"`)), texts.join("\n"));
    } finally {
      await sink.stop();
    }
  },
);
