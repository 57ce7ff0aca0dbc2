import { LosslessNumber } from "lossless-json";
import { withExactNumbers } from "./exact.ts";
import { type LosslessJson, parseLossless } from "./lossless.ts";
import { parsePlain, type PlainJson } from "./plain.ts";

/** Where a number could begin that a float does not hold: with a fraction, an exponent, or 16 digits and more. */
const MAYBE_INEXACT = /(?:^|[:,[])\s*-?\d+(?:[.eE]|\d{15})/;

/**
 * Parses JSON into what the engine's own JSON can carry without losing a digit: integers up to 2^53-1 are numbers, every
 * other number is the string it was written as. A text without such numbers is parsed natively, ten times as fast.
 *
 * @throws {SyntaxError} when the text is no JSON.
 */
export function parseExact(text: string): PlainJson {
  return MAYBE_INEXACT.test(text) ? plainOf(withExactNumbers(parseLossless(text))) : parsePlain(text);
}

function plainOf(value: LosslessJson): PlainJson {
  if (value instanceof LosslessNumber) return Number(value.value);
  if (Array.isArray(value)) return value.map(plainOf);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainOf(inner)]));
  }
  return value;
}
