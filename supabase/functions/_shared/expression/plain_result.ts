import { ExpressionError } from "./expression_error.ts";

/**
 * What an expression gave, as plain JSON: without JSONata's marks and prototypes; undefined where it gave nothing. Its
 * size was bounded while it grew.
 *
 * @throws {ExpressionError} when a function is in it, which JSON cannot say, and would show the inside of.
 */
export function plainResult(result: unknown): unknown {
  if (result === undefined) return undefined;
  if (holdsFunction(result)) {
    throw new ExpressionError("The expression gives a function; call it, and give what it gives.");
  }
  return JSON.parse(JSON.stringify(result));
}

/** Whether a function is in it, however deep. */
export function holdsFunction(value: unknown): boolean {
  if (typeof value === "function") return true;
  if (typeof value !== "object" || value === null) return false;
  if ("_jsonata_lambda" in value || "_jsonata_function" in value) return true;
  // An array of JSONata's has marks and a push of its own beside its items.
  return (Array.isArray(value) ? value : Object.values(value)).some(holdsFunction);
}
