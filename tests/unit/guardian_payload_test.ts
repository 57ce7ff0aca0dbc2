import assert from "node:assert/strict";
import fc from "fast-check";
import { PayloadRefused, type PayloadSource } from "../../supabase/functions/_shared/delivery/contract.ts";
import { guardianPayload, metaMappers } from "../../supabase/functions/_shared/meta/guardian_payload.ts";
import * as vocabulary from "../../supabase/functions/_shared/meta/vocabulary.ts";
import { documentedBodies } from "../support/documented_bodies.ts";

const TENANT_ID = "0b0e7f3e-7e0b-4f5e-9c59-3d2f6f1e9a11";

/** The examples of docs/outbound.md: a payload per type that may leave. */
const BODIES = documentedBodies();

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

/** Telephone numbers and addresses written as integers, and other numbers that are neither scores nor counts. */
const strangeNumber = fc.oneof(
  fc.integer({ min: 10_000_000, max: 999_999_999_999_999 }),
  fc.constantFrom(-1, 0.5, 3232235777, 447911123456, 2 ** 53),
  fc.double(),
);

/** What must never leave: people, addresses, tenants, secrets. */
const personal = fc.oneof(
  fc.constantFrom("Ada Lovelace", "ada", "O'Brien", "李小龍", TENANT_ID, "acme-studio", "whsec_c2VjcmV0"),
  fc.constantFrom("+44 7911 123456", "07911123456", "sk_live_c2VjcmV0", "operational Ada", "core\u0000ada"),
  fc.constantFrom("2026-11-21T10:00:00.000Z ada@example.com", "ada 2026-10-01", "2026-13-45", "72"),
  fc.emailAddress(),
  fc.ipV4(),
  fc.ipV6(),
  fc.uuid(),
  fc.webUrl(),
  fc.string({ minLength: 1, unit: "grapheme" }),
);
const words = fc.constantFrom(...Object.values(vocabulary).filter((list) => Array.isArray(list)).flat());
const name = fc.oneof(personal, words, fc.constantFrom("score", "status", "__proto__", "constructor"));
const { hostile } = fc.letrec<{ hostile: unknown }>((tie) => ({
  hostile: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    personal,
    strangeNumber,
    fc.constantFrom(null, true, undefined),
    fc.array(tie("hostile"), { maxLength: 3 }),
    fc.dictionary(name, fc.oneof(words, fc.nat(100), tie("hostile")), { maxKeys: 4 }),
  ),
}));

/** Every way to a value inside a value, the value itself aside. */
function pathsOf(value: unknown): string[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    [key],
    ...pathsOf(inner).map((path) => [key, ...path]),
  ]);
}

/** A copy with another value at the path; an object on the way there is copied, anything else is replaced. */
function withAt(value: unknown, [key, ...rest]: string[], replacement: unknown): unknown {
  if (key === undefined) return replacement;
  const copy = new Map(Object.entries(value as Record<string, unknown>));
  copy.set(key, withAt(copy.get(key), rest, replacement));
  return Object.fromEntries(copy);
}

const INSTANT_OR_DAY = /^20\d\d-\d\d-\d\d(T\d\d:\d\d:\d\d\.\d{3}Z)?$/;

/** Says what in a body is neither a word of the closed lists nor a field, an instant, a score or a count. */
function foreignIn(value: unknown, known: Set<string>): unknown[] {
  if (value === null) return [];
  if (typeof value === "string") return known.has(value) || INSTANT_OR_DAY.test(value) ? [] : [value];
  if (typeof value === "number") {
    return Number.isInteger(value) && value >= 0 && value < 10_000_000 ? [] : [value];
  }
  if (typeof value !== "object" || Array.isArray(value)) return [value];
  return Object.entries(value).flatMap((
    [key, inner],
  ) => [...known.has(key) ? [] : [key], ...foreignIn(inner, known)]);
}

for (const [type, body] of BODIES) {
  const fields = Object.keys(body.data);
  const known = new Set([
    ...["type", "timestamp", "data", type, "score", "status", ...fields],
    ...Object.values(vocabulary).filter((list) => Array.isArray(list)).flat(),
  ]);

  /** Sends a payload and holds what comes out, body or refusal, against the closed lists. */
  const send = (payload: unknown, timestamp: unknown = body.timestamp) => {
    let text: string;
    try {
      text = JSON.stringify(
        guardianPayload(delivery(type, payload as Record<string, unknown>, timestamp as string)),
      );
    } catch (error) {
      assert.ok(error instanceof PayloadRefused, String(error));
      const named = /^The event holds something that may not leave: (.+)\.$/.exec(error.message)?.[1];
      assert.ok(named, error.message);
      for (const field of named.split(", ")) assert.ok([...fields, "timestamp"].includes(field), field);
      return "refused";
    }
    assert.deepEqual(foreignIn(JSON.parse(text), known), []);
    return text;
  };

  Deno.test(`META ${type}: what docs/outbound.md shows is what is sent`, () => {
    assert.equal(send(body.data), JSON.stringify(body));
  });

  Deno.test(`META ${type}: fields that are not in its schema are left behind`, () => {
    fc.assert(fc.property(fc.dictionary(name, hostile), (extra) => {
      assert.equal(send({ ...extra, ...body.data }), JSON.stringify(body));
    }));
  });

  Deno.test(`META ${type}: nothing hostile comes through any field, however deep`, () => {
    fc.assert(
      fc.property(fc.constantFrom(...pathsOf(body.data)), hostile, (path, value) => {
        send(withAt(body.data, path, value));
      }),
      { numRuns: 2000 },
    );
  });

  Deno.test(`META ${type}: nothing hostile comes through beside the known, in any object`, () => {
    const objects = [[], ...pathsOf(body.data)].filter((path) => {
      const inner = path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], body.data);
      return typeof inner === "object" && inner !== null;
    });
    fc.assert(
      fc.property(fc.constantFrom(...objects), name, hostile, (path, key, value) => {
        send(withAt(body.data, [...path, key], value));
      }),
      { numRuns: 1000 },
    );
  });

  Deno.test(`META ${type}: a payload that is hostile throughout is refused or says nothing`, () => {
    const payload = fc.record(Object.fromEntries(fields.map((field) => [field, hostile])));
    fc.assert(
      fc.property(payload, hostile, (spoiled, timestamp) => {
        assert.equal(send(spoiled), "refused");
        send(body.data, timestamp);
      }),
      { numRuns: 1000 },
    );
  });

  Deno.test(`META ${type}: without any one of its fields it is refused`, () => {
    for (const field of fields) {
      const { [field]: _, ...rest } = body.data;
      assert.equal(send(rest), "refused", field);
    }
  });
}

Deno.test("META: every mapper has a body in docs/outbound.md, and no other is shown", () => {
  assert.deepEqual([...BODIES.keys()].sort(), [...metaMappers.keys()].sort());
});

Deno.test("META: a type without a mapper and an event that has left are refused", () => {
  assert.throws(() => guardianPayload(delivery("unknown_type", {})), PayloadRefused);
  assert.throws(
    () =>
      guardianPayload({
        ...delivery("readiness_updated", BODIES.get("readiness_updated")!.data),
        event: null,
      }),
    PayloadRefused,
  );
});
