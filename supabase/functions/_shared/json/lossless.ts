import { LosslessNumber, parse, stringify } from "lossless-json";

/** A JSON value whose numbers keep the text they were written with. */
export type LosslessJson = null | boolean | string | LosslessNumber | LosslessJson[] | LosslessJsonObject;
export interface LosslessJsonObject {
  [key: string]: LosslessJson;
}

/**
 * Parses JSON without touching a digit: numbers become LosslessNumber.
 * A key that occurs twice with different values, and nesting too deep for the stack, are syntax errors.
 *
 * @throws {SyntaxError} when the text is no JSON.
 */
export function parseLossless(text: string): LosslessJson {
  try {
    return parse(text) as LosslessJson;
  } catch (error) {
    throw new SyntaxError("The text is not valid JSON", { cause: error });
  }
}

/** Prints a lossless value; numbers appear exactly as they were read. */
export function stringifyLossless(value: LosslessJson): string {
  return stringify(value) ?? "null";
}

/** Whether a value is a JSON object (no array, no number, no null). */
export function isJsonObject(value: LosslessJson | undefined): value is LosslessJsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof LosslessNumber);
}

/** The text of a JSON string or number; null for everything else. Identifiers come as either. */
export function scalarText(value: LosslessJson | undefined): string | null {
  if (typeof value === "string") return value;
  if (value instanceof LosslessNumber) return value.value;
  return null;
}
