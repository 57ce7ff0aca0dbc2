import * as z from "zod";
import { FilterError, type FilterTree, readFilter } from "./filter_conditions.ts";

/**
 * The `filter` setting of a subscription: conditions over the event envelope, such as
 * `{"payload.amount": {"$gte": 100}, "entity_type": "contact"}`. docs/transform.md has the language.
 */
export const filterSchema = z.record(z.string(), z.unknown()).superRefine((raw, context) => {
  try {
    readFilter(raw);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    context.addIssue({ code: "custom", message: error.message, path: error.at });
  }
});

export type Filter = z.infer<typeof filterSchema>;

/**
 * Writes a filter as a jsonpath predicate for `jsonb_path_match(envelope, path, '{}', true)`, PostgreSQL 15 and newer.
 * That predicate is the only evaluator there is: routing and dry runs ask it, so they cannot differ.
 *
 * Every condition stands in an `exists(...)` of its own. jsonpath answers unknown where types do not fit; inside
 * `exists` that is false, so what `!` turns around is only ever true or false.
 *
 * @throws {FilterError} when the filter is not in the language.
 */
export function compileFilter(filter: unknown): string {
  const tree = readFilter(filter);
  return tree.kind === "all" && tree.of.length === 0 ? "true" : predicate(tree);
}

function predicate(tree: FilterTree): string {
  switch (tree.kind) {
    case "all":
      // An empty filter inside $or matches everything.
      return tree.of.length === 0 ? "(1 == 1)" : joined(tree.of, " && ");
    case "any":
      return joined(tree.of, " || ");
    case "not":
      return `!(${predicate(tree.of)})`;
    case "exists":
      return `exists(${path("$", tree.path)})`;
    case "compare":
      return condition(tree.path, `${tree.operator} ${JSON.stringify(tree.value)}`);
    case "starts_with":
      return condition(tree.path, `starts with ${JSON.stringify(tree.text)}`);
    case "contains":
      // Flag q: the pattern is a plain text, nothing in it is a regular expression.
      return condition(tree.path, `like_regex ${JSON.stringify(tree.text)} flag "q"`);
  }
}

function joined(parts: FilterTree[], operator: string): string {
  return `(${parts.map(predicate).join(operator)})`;
}

function condition(names: string[], comparison: string): string {
  return `exists($ ? (${path("@", names)} ${comparison}))`;
}

/** Names are always quoted; JSON's escapes are jsonpath's, and reading refused what only JSON can write. */
function path(start: "$" | "@", names: string[]): string {
  return start + names.map((name) => `.${JSON.stringify(name)}`).join("");
}
