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
import { FRAMINGS, type Mutation, type Surface } from "./mutation.ts";

const names = (values: Record<string, unknown>) => Object.keys(values);

/**
 * Every hostile value a route can be sent, once, in every run: a value that breaks the route is found here, and not
 * by the seed of some later run. Parameters and segments are each read by code of their own, so each gets all values;
 * the fields of a body and the headers share them, at each turn other ones.
 */
export function* eachOnce(surface: Surface, turn: number): Generator<Mutation> {
  yield { kind: "nothing" };
  if (surface.body !== undefined) {
    const fields = Math.max(1, placesIn(surface.body).length);
    for (const [index, value] of names(HOSTILE_VALUES).entries()) {
      yield { kind: "field", at: (index + turn) % fields, does: "replace", value };
    }
    for (const value of names(HOSTILE_BODIES)) yield { kind: "body", value };
  }
  for (const [index, value] of names(HOSTILE_HEADERS).entries()) {
    yield {
      kind: "header",
      name: HEADER_NAMES[(index + turn) % HEADER_NAMES.length]!,
      does: "replace",
      value,
    };
  }
  for (const value of names(ODD_HEADERS)) yield { kind: "odd headers", value };
  for (const name of surface.queryNames) {
    for (const value of names(HOSTILE_QUERY_VALUES)) yield { kind: "query", name, value };
  }
  for (let at = 0; at < surface.segments; at++) {
    for (const value of names(HOSTILE_SEGMENTS)) yield { kind: "segment", at, value };
  }
  for (const value of METHODS) yield { kind: "method", value };
  for (const value of FRAMINGS) yield { kind: "framing", value };
}
