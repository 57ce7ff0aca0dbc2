import assert from "node:assert/strict";
import fc from "fast-check";
import { PayloadRefused, type PayloadSource } from "../../supabase/functions/_shared/delivery/contract.ts";
import { guardianPayload, metaMappers } from "../../supabase/functions/_shared/meta/guardian_payload.ts";

const TENANT_ID = "0b0e7f3e-7e0b-4f5e-9c59-3d2f6f1e9a11";

/** A valid payload per type; a mapper without one fails the run. */
const SNAPSHOTS: Record<string, Record<string, unknown>> = {
  readiness_updated: {
    overall_score: 72,
    band: "operational",
    dimension_scores: { core: 80, meta: 1 },
    computed_at: "2026-11-21T10:00:00.000Z",
  },
};

function delivery(
  eventType: string,
  payload: Record<string, unknown>,
  timestamp = "2026-11-21T10:00:00.000Z",
) {
  return {
    event_type: eventType,
    queued_at: "2026-11-21T10:00:00.000Z",
    event: {
      id: "e",
      event_type: `guardian.${eventType}`,
      entity_type: "x",
      entity_id: "x",
      tenant_id: TENANT_ID,
      org_id: null,
      payload,
      metadata: { trace_id: "t", source: "guardian", actor: null, timestamp },
    },
  } satisfies PayloadSource;
}

/** What must never leave: people, addresses, tenants, secrets. */
const personal = fc.oneof(
  fc.constantFrom("Ada Lovelace", "ada", "O'Brien", "李小龍", TENANT_ID, "acme-studio", "whsec_c2VjcmV0"),
  fc.emailAddress(),
  fc.ipV4(),
  fc.ipV6(),
  fc.uuid(),
  fc.webUrl(),
  fc.string({ minLength: 1, unit: "grapheme" }),
);
const hostile: fc.Arbitrary<unknown> = fc.oneof(
  { maxDepth: 3 },
  personal,
  fc.array(personal, { minLength: 1, maxLength: 3 }),
  fc.dictionary(fc.oneof(personal, fc.constantFrom("core", "meta")), fc.oneof(personal, fc.nat()), {
    minKeys: 1,
  }),
  fc.double(),
  fc.bigInt().map(String),
);

/** Every text in a value: keys and strings. */
function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...textsOf(inner)]);
}

for (const [type, snapshot] of Object.entries(SNAPSHOTS)) {
  const clean = JSON.stringify(guardianPayload(delivery(type, snapshot)));
  const vocabulary = new Set(textsOf(JSON.parse(clean)));

  Deno.test(`META ${type}: fields that are not in its schema are left behind`, () => {
    fc.assert(fc.property(fc.dictionary(fc.string(), hostile), (extra) => {
      const payload = guardianPayload(delivery(type, { ...extra, ...snapshot }));
      assert.equal(JSON.stringify(payload), clean);
    }));
  });

  Deno.test(`META ${type}: no name, address, tenant or free text comes through any field`, () => {
    const fields = [...Object.keys(snapshot), "timestamp"];
    fc.assert(
      fc.property(fc.constantFrom(...fields), hostile, (field, value) => {
        const spoiled = field === "timestamp"
          ? delivery(type, snapshot, value as string)
          : delivery(type, { ...snapshot, [field]: value });
        let texts: string[];
        try {
          texts = textsOf(guardianPayload(spoiled));
        } catch (error) {
          assert.ok(error instanceof PayloadRefused, String(error));
          for (const text of textsOf(value).filter((text) => text.length > 3)) {
            if (!fields.some((name) => name.includes(text))) {
              assert.equal(error.message.includes(text), false);
            }
          }
          return;
        }
        const known = ["ai_intelligence", "qa_chaos", "network_intelligence", "governance", "core", "meta"];
        for (const text of texts) {
          assert.ok(vocabulary.has(text) || known.includes(text), `"${text}" came through ${field}`);
        }
      }),
      { numRuns: 2000 },
    );
  });
}

Deno.test("META: every mapper has a snapshot here", () => {
  assert.deepEqual(Object.keys(SNAPSHOTS).sort(), [...metaMappers.keys()].sort());
});

Deno.test("META: a type without a mapper and an event that has left are refused", () => {
  assert.throws(() => guardianPayload(delivery("unknown_type", {})), PayloadRefused);
  assert.throws(
    () => guardianPayload({ ...delivery("readiness_updated", SNAPSHOTS.readiness_updated!), event: null }),
    PayloadRefused,
  );
});
