import { TRANSFORM_LIMITS as LIMITS } from "./limits.ts";
import { TransformError } from "./transform_error.ts";

/** Keys by which JSONata knows its own functions: data that has them would be taken for one. */
const RESERVED_KEYS = ["_jsonata_lambda", "_jsonata_function"];

/**
 * A copy whose objects have no prototype: an expression finds the data and nothing else, and what it changes is its
 * own.
 *
 * @throws {TransformError} when it is nested too deep, or has a key that means something to JSONata.
 */
export function bareCopy(value: unknown, depth = 0): unknown {
  if (typeof value === "function") throw new TransformError("A function cannot be copied; call it first.");
  if (typeof value !== "object" || value === null) return value;
  if (depth > LIMITS.dataDepth) {
    throw new TransformError(
      `The payload is nested deeper than ${LIMITS.dataDepth} levels; it cannot be transformed.`,
    );
  }
  if (Array.isArray(value)) return value.map((item) => bareCopy(item, depth + 1));
  const copy: Record<string, unknown> = Object.create(null);
  for (const [key, item] of Object.entries(value)) {
    if (RESERVED_KEYS.includes(key)) {
      throw new TransformError(`Data cannot have a field called ${key}; functions do.`);
    }
    copy[key] = bareCopy(item, depth + 1);
  }
  return copy;
}
