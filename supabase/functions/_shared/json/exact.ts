import { LosslessNumber } from "lossless-json";
import type { LosslessJson } from "./lossless.ts";

/**
 * Whether every number of a value survives any reader: an integer of at most 2^53-1 in size, written without
 * fraction and exponent. The CHECK of the outbox asks the same; both are tested with the same vectors.
 */
export function numbersAreExact(value: LosslessJson): boolean {
  if (value instanceof LosslessNumber) return isExactInteger(value.value);
  if (Array.isArray(value)) return value.every(numbersAreExact);
  if (typeof value === "object" && value !== null) return Object.values(value).every(numbersAreExact);
  return true;
}

/**
 * The same value with every inexact number turned into the string it was written as: what adapters store.
 */
export function withExactNumbers(value: LosslessJson): LosslessJson {
  if (value instanceof LosslessNumber) return isExactInteger(value.value) ? value : value.value;
  if (Array.isArray(value)) return value.map(withExactNumbers);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withExactNumbers(inner)]));
  }
  return value;
}

function isExactInteger(text: string): boolean {
  return /^-?\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text));
}
