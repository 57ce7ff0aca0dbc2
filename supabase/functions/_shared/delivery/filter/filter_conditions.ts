import { isStorableText, parseDottedPath, PathError } from "../../json/dotted_path.ts";

/** Most conditions in a filter; every value of an `$in` is one. */
export const MAX_CONDITIONS = 100;
/** Deepest nesting of `$and`, `$or` and `$not`. */
export const MAX_FILTER_DEPTH = 5;
/** Longest text to compare with, in characters. */
export const MAX_TEXT_CHARS = 500;

export type Scalar = string | number | boolean | null;

/** A filter that was read: what the compiler writes as jsonpath. */
export type FilterTree =
  | { kind: "all" | "any"; of: FilterTree[] }
  | { kind: "not"; of: FilterTree }
  | { kind: "exists"; path: string[] }
  | { kind: "compare"; path: string[]; operator: "==" | "<" | "<=" | ">" | ">="; value: Scalar }
  | { kind: "starts_with" | "contains"; path: string[]; text: string };

/** A filter does not say what it means. The message is a sentence; `at` leads to the place. */
export class FilterError extends Error {
  override name = "FilterError";

  constructor(message: string, readonly at: string[]) {
    super(message);
  }
}

/** Fields of the envelope, and what may follow them: nothing, one of these names, or anything. */
const ENVELOPE: Record<string, readonly string[] | "anything"> = {
  ...{ id: [], event_type: [], entity_type: [], entity_id: [], tenant_id: [], org_id: [] },
  metadata: ["trace_id", "source", "actor", "timestamp"],
  payload: "anything",
};

const ORDER = { $gt: ">", $gte: ">=", $lt: "<", $lte: "<=" } as const;

/**
 * Reads a filter.
 *
 * @throws {FilterError} for the first thing that is not in the language.
 */
export function readFilter(raw: unknown): FilterTree {
  const reader = new FilterReader();
  return reader.filter(raw, [], 0);
}

class FilterReader {
  #conditions = 0;

  filter(raw: unknown, at: string[], depth: number): FilterTree {
    if (!isObject(raw)) throw new FilterError("A filter is an object of paths and conditions.", at);
    if (depth > MAX_FILTER_DEPTH) {
      throw new FilterError(
        `$and, $or and $not nest at most ${MAX_FILTER_DEPTH} deep; flatten the filter.`,
        at,
      );
    }
    const parts = Object.entries(raw).map(([key, value]) => this.#entry(key, value, [...at, key], depth));
    return all(parts);
  }

  #entry(key: string, value: unknown, at: string[], depth: number): FilterTree {
    if (key === "$and") return { kind: "all", of: this.#list(value, at, depth) };
    if (key === "$or") return { kind: "any", of: this.#list(value, at, depth) };
    if (key === "$not") return { kind: "not", of: this.filter(value, at, depth + 1) };
    if (key.startsWith("$")) {
      throw new FilterError(`${shown(key)} does not combine filters; there are $and, $or and $not.`, at);
    }
    return this.#conditionsOn(envelopePath(key, at), value, at, depth);
  }

  #list(value: unknown, at: string[], depth: number): FilterTree[] {
    if (!Array.isArray(value) || value.length === 0) {
      throw new FilterError("$and and $or take a list of at least one filter.", at);
    }
    return value.map((item, index) => this.filter(item, [...at, String(index)], depth + 1));
  }

  #conditionsOn(path: string[], value: unknown, at: string[], depth: number): FilterTree {
    if (!isObject(value)) return this.#equals(path, value, at);
    const entries = Object.entries(value);
    if (entries.length === 0) {
      throw new FilterError('A path takes a value or operators, such as {"$gte": 100}.', at);
    }
    return all(
      entries.map(([operator, operand]) => this.#operator(path, operator, operand, [...at, operator], depth)),
    );
  }

  #operator(path: string[], operator: string, operand: unknown, at: string[], depth: number): FilterTree {
    switch (operator) {
      case "$eq":
        return this.#equals(path, operand, at);
      case "$ne":
        return { kind: "not", of: this.#equals(path, operand, at) };
      case "$in":
        return { kind: "any", of: this.#values(path, operand, at) };
      case "$nin":
        return { kind: "not", of: { kind: "any", of: this.#values(path, operand, at) } };
      case "$gt":
      case "$gte":
      case "$lt":
      case "$lte":
        return this.#ordered(path, ORDER[operator], operand, at);
      case "$startsWith":
        return this.#text("starts_with", path, operand, at);
      case "$contains":
        return this.#text("contains", path, operand, at);
      case "$exists":
        return this.#exists(path, operand, at);
      case "$not":
        return this.#not(path, operand, at, depth + 1);
    }
    throw new FilterError(
      operator.startsWith("$")
        ? `There is no operator ${
          shown(operator)
        }; there are $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $startsWith, $contains, $exists and $not.`
        : 'Name a field inside an object by a path with dots, such as "payload.customer.id".',
      at,
    );
  }

  #not(path: string[], operand: unknown, at: string[], depth: number): FilterTree {
    if (depth > MAX_FILTER_DEPTH) {
      throw new FilterError(
        `$and, $or and $not nest at most ${MAX_FILTER_DEPTH} deep; flatten the filter.`,
        at,
      );
    }
    return { kind: "not", of: this.#conditionsOn(path, operand, at, depth) };
  }

  #equals(path: string[], value: unknown, at: string[]): FilterTree {
    this.#count(at);
    return { kind: "compare", path, operator: "==", value: scalar(value, at) };
  }

  #values(path: string[], operand: unknown, at: string[]): FilterTree[] {
    if (!Array.isArray(operand) || operand.length === 0) {
      throw new FilterError("$in and $nin take a list of at least one value.", at);
    }
    return operand.map((value, index) => this.#equals(path, value, [...at, String(index)]));
  }

  #ordered(path: string[], operator: "<" | "<=" | ">" | ">=", operand: unknown, at: string[]): FilterTree {
    this.#count(at);
    if (typeof operand !== "number" && typeof operand !== "string") {
      throw new FilterError("$gt, $gte, $lt and $lte take a number or a text.", at);
    }
    return { kind: "compare", path, operator, value: scalar(operand, at) };
  }

  #text(kind: "starts_with" | "contains", path: string[], operand: unknown, at: string[]): FilterTree {
    this.#count(at);
    const text = scalar(operand, at);
    if (typeof text !== "string" || text === "") {
      throw new FilterError("$startsWith and $contains take a text of at least one character.", at);
    }
    return { kind, path, text };
  }

  #exists(path: string[], operand: unknown, at: string[]): FilterTree {
    this.#count(at);
    if (typeof operand !== "boolean") throw new FilterError("$exists takes true or false.", at);
    const exists: FilterTree = { kind: "exists", path };
    return operand ? exists : { kind: "not", of: exists };
  }

  #count(at: string[]): void {
    if (++this.#conditions > MAX_CONDITIONS) {
      throw new FilterError(
        `A filter has at most ${MAX_CONDITIONS} conditions, every value of an $in included; split the subscription.`,
        at,
      );
    }
  }
}

function envelopePath(text: string, at: string[]): string[] {
  const path = parsed(text, at);
  const [field, ...rest] = path;
  const known = Object.hasOwn(ENVELOPE, field!) ? ENVELOPE[field!]! : null;
  if (known === null) {
    throw new FilterError(
      `A path begins with a field of the event: ${
        Object.keys(ENVELOPE).join(", ")
      }. Fields of the payload are written payload.<name>.`,
      at,
    );
  }
  if (known === "anything" || rest.length === 0) return path;
  if (rest.length === 1 && known.includes(rest[0]!)) return path;
  throw new FilterError(
    known.length > 0 ? `${field} has the fields ${known.join(", ")}.` : `${field} has no fields of its own.`,
    at,
  );
}

function parsed(text: string, at: string[]): string[] {
  try {
    return parseDottedPath(text);
  } catch (error) {
    if (error instanceof PathError) throw new FilterError(error.message, at);
    throw error;
  }
}

function scalar(value: unknown, at: string[]): Scalar {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value !== "string") {
    throw new FilterError("A condition compares with a text, a number, true, false or null.", at);
  }
  if (value.length > MAX_TEXT_CHARS) {
    throw new FilterError(`A text to compare with has at most ${MAX_TEXT_CHARS} characters.`, at);
  }
  if (!isStorableText(value)) {
    throw new FilterError(
      "A text holds no NUL character and no half of a surrogate pair; no event has one.",
      at,
    );
  }
  return value;
}

function all(parts: FilterTree[]): FilterTree {
  return parts.length === 1 ? parts[0]! : { kind: "all", of: parts };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(key: string): string {
  return JSON.stringify(key.slice(0, 40));
}
