import assert from "node:assert/strict";
import { documentedBodies } from "../support/documented_bodies.ts";
import { GUARDIAN_SOURCES, HOME_WORDS } from "../support/guardian_sources.ts";
import { deliveryWith, startTestSink } from "../support/outbound.ts";
import { sql, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";

for (const [type, body] of documentedBodies()) {
  stackTest(
    `SOURCES ${type}: an event that holds words of its own is not sent, not kept, and says so`,
    async () => {
      const sink = startTestSink();
      try {
        const tenant = await createTenant();
        const integration = await sink.integrate(tenant, { scopes: [GUARDIAN_SOURCES[type]!.scope] });
        const [field] = Object.keys(body.data);
        // Past the tables and their checks, as a mistake in a producer would be.
        await sql`insert into public.integration_events_outbox
          (tenant_id, event_type, entity_type, entity_id, payload, source, trace_id)
        values (${tenant.id}, ${`guardian.${type}`}, 'test', '1',
          ${JSON.stringify({ ...body.data, [field!]: HOME_WORDS })}::text::jsonb, 'test', 'test')`;
        const delivery = await deliveryWith(integration.id, "discarded");
        assert.deepEqual(
          [delivery.last_error_class, delivery.last_error],
          ["payload_refused", `The event holds something that may not leave: ${field}.`],
        );
        const attempts = await sql`select * from public.guardian_meta_webhook_attempts
        where delivery_id = ${delivery.id}`;
        assert.deepEqual(
          attempts.map((attempt) => [attempt.outcome, attempt.request_body, attempt.status_code]),
          [["refused", null, null]],
        );
        assert.equal(JSON.stringify([delivery, attempts]).includes("Ada"), false);
        assert.equal(sink.arrivals.length, 0);
      } finally {
        await sink.stop();
      }
    },
  );
}
