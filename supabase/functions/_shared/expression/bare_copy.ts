import { ExpressionError } from "./expression_error.ts";

/** Keys by which JSONata knows its own functions: data that has them would be taken for one. */
const RESERVED_KEYS = ["_jsonata_lambda", "_jsonata_function"];

/**
 * A copy whose objects have no prototype: an expression finds the data and nothing else, and what it changes is its
 * own.
 *
 * @throws {ExpressionError} when it is nested too deep, or has a key that means something to JSONata.
 */
export function bareCopy(value: unknown, maxDepth: number, depth = 0): unknown {
  if (typeof value === "function") throw new ExpressionError("A function cannot be copied; call it first.");
  if (typeof value !== "object" || value === null) return value;
  if (depth > maxDepth) {
    throw new ExpressionError(
      `The data is nested deeper than ${maxDepth} levels; no expression can read it.`,
    );
  }
  if (Array.isArray(value)) return value.map((item) => bareCopy(item, maxDepth, depth + 1));
  const copy: Record<string, unknown> = Object.create(null);
  for (const [key, item] of Object.entries(value)) {
    if (RESERVED_KEYS.includes(key)) {
      throw new ExpressionError(`Data cannot have a field called ${key}; functions do.`);
    }
    copy[key] = bareCopy(item, maxDepth, depth + 1);
  }
  return copy;
}
