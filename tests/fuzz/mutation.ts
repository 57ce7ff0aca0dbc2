import fc from "fast-check";
import {
  HEADER_NAMES,
  HOSTILE_BODIES,
  HOSTILE_HEADERS,
  HOSTILE_QUERY_VALUES,
  HOSTILE_SEGMENTS,
  HOSTILE_VALUES,
  METHODS,
  ODD_HEADERS,
} from "./hostile.ts";
import { placesIn } from "./json_text.ts";

/** One thing done to a request that would be right, as data: a counterexample prints as what it is. */
export type Mutation =
  | { kind: "nothing" }
  | { kind: "field"; at: number; does: "replace" | "twice" | "add"; value: string }
  | { kind: "field"; at: number; does: "leave out" }
  | { kind: "random field"; at: number; value: unknown }
  | { kind: "body"; value: string }
  | { kind: "header"; name: string; does: "replace" | "double"; value: string }
  | { kind: "odd headers"; value: string }
  | { kind: "query"; name: string; value: string }
  | { kind: "long query"; count: number }
  | { kind: "segment"; at: number; value: string }
  | { kind: "method"; value: string }
  | { kind: "framing"; value: string };

/** Ways to be wrong about where a body ends. */
export const FRAMINGS = [
  "length too large",
  "length too small",
  "length negative",
  "length no number",
  "length beyond numbers",
  "length twice",
  "length and chunks",
  "chunks cut off",
  "chunks of nonsense",
  "no length",
] as const;

/** Who calls: with what the route asks for, with nothing, or with something like it. */
export const CREDENTIALS = ["right", "none", "wrong"] as const;
export type Credentials = (typeof CREDENTIALS)[number];

const names = (values: Record<string, unknown>) => Object.keys(values);

/** What a route lets itself be asked. */
export interface Surface {
  body: unknown;
  queryNames: string[];
  segments: number;
}

/** Every single mutation of a request once: what is found by this does not depend on a seed. */
export function* everyMutation(surface: Surface): Generator<Mutation> {
  yield { kind: "nothing" };
  if (surface.body !== undefined) {
    for (const [at] of placesIn(surface.body).entries()) {
      for (const value of names(HOSTILE_VALUES)) yield { kind: "field", at, does: "replace", value };
      yield { kind: "field", at, does: "leave out" };
      yield { kind: "field", at, does: "twice", value: "null" };
      yield { kind: "field", at, does: "add", value: "number_as_text" };
      yield { kind: "field", at, does: "add", value: "__proto__" };
    }
  }
  for (const value of names(HOSTILE_BODIES)) yield { kind: "body", value };
  for (const name of HEADER_NAMES) {
    for (const value of names(HOSTILE_HEADERS)) yield { kind: "header", name, does: "replace", value };
    yield { kind: "header", name, does: "double", value: "uuid" };
  }
  for (const value of names(ODD_HEADERS)) yield { kind: "odd headers", value };
  for (const name of [...surface.queryNames, "workspaceId", "unknown"]) {
    for (const value of names(HOSTILE_QUERY_VALUES)) yield { kind: "query", name, value };
  }
  for (const count of [100, 1000]) yield { kind: "long query", count };
  for (let at = 0; at < surface.segments; at++) {
    for (const value of names(HOSTILE_SEGMENTS)) yield { kind: "segment", at, value };
  }
  for (const value of METHODS) yield { kind: "method", value };
  for (const value of FRAMINGS) yield { kind: "framing", value };
}

/** Any mutation. Fields come more often: they lead deepest. */
export function anyMutation(queryNames: string[]): fc.Arbitrary<Mutation> {
  const from = (values: Record<string, unknown>) => fc.constantFrom(...names(values));
  const at = fc.nat(30);
  const query = [...queryNames, "workspaceId", "unknown"];
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("field" as const),
        at,
        does: fc.constantFrom("replace" as const, "twice" as const, "add" as const),
        value: from(HOSTILE_VALUES),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("random field" as const),
        at,
        value: fc.oneof(
          fc.jsonValue({ stringUnit: "binary", maxDepth: 3 }),
          fc.string({ unit: "binary" }),
          fc.double(),
          fc.maxSafeInteger(),
        ),
      }),
    },
    { weight: 2, arbitrary: fc.constant({ kind: "nothing" as const }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("body" as const), value: from(HOSTILE_BODIES) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("header" as const),
        name: fc.constantFrom(...HEADER_NAMES),
        does: fc.constantFrom("replace" as const, "double" as const),
        value: from(HOSTILE_HEADERS),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("query" as const),
        name: fc.constantFrom(...query),
        value: from(HOSTILE_QUERY_VALUES),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("segment" as const), at, value: from(HOSTILE_SEGMENTS) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("method" as const), value: fc.constantFrom(...METHODS) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("framing" as const), value: fc.constantFrom(...FRAMINGS) }),
    },
  );
}
