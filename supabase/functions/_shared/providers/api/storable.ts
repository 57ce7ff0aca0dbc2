import { decimalText } from "../../json/decimal.ts";
import { storableText } from "../../json/storable_text.ts";
import type { PlainJson } from "../source.ts";

/**
 * A JSON value as tables and events take it: no number with a fraction and none beyond 2^53-1 (an expression may have made
 * one), and texts that can be stored.
 */
export function storable(value: unknown): PlainJson {
  if (typeof value === "string") return storableText(value);
  if (typeof value === "number") return Number.isSafeInteger(value) ? value + 0 : decimalText(String(value));
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [storableText(name), storable(inner)]),
    );
  }
  return typeof value === "boolean" ? value : null;
}
