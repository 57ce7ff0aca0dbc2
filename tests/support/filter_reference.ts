import { parseDottedPath } from "../../supabase/functions/_shared/json/dotted_path.ts";

type Json = Record<string, unknown>;

/**
 * The filter language evaluated naively, from its documentation: what the database's answers are compared with. It
 * is for tests only; the product has one evaluator, and that is SQL.
 */
export function matchesByHand(filter: Json, event: Json): boolean {
  return Object.entries(filter).every(([key, value]) => {
    if (key === "$and") return (value as Json[]).every((part) => matchesByHand(part, event));
    if (key === "$or") return (value as Json[]).some((part) => matchesByHand(part, event));
    if (key === "$not") return !matchesByHand(value as Json, event);
    return holds(value, valuesAt(event, parseDottedPath(key)));
  });
}

function holds(condition: unknown, found: unknown[]): boolean {
  if (typeof condition !== "object" || condition === null) return found.flat().includes(condition);
  return Object.entries(condition).every(([operator, operand]) => operatorHolds(operator, operand, found));
}

function operatorHolds(operator: string, operand: unknown, found: unknown[]): boolean {
  const elements = found.flat();
  switch (operator) {
    case "$eq":
      return elements.includes(operand);
    case "$ne":
      return !elements.includes(operand);
    case "$in":
      return elements.some((element) => (operand as unknown[]).includes(element));
    case "$nin":
      return !elements.some((element) => (operand as unknown[]).includes(element));
    case "$exists":
      return (found.length > 0) === operand;
    case "$not":
      return !holds(operand, found);
    case "$startsWith":
      return elements.some((element) => typeof element === "string" && element.startsWith(operand as string));
    case "$contains":
      return elements.some((element) => typeof element === "string" && element.includes(operand as string));
  }
  return elements.some((element) => {
    if (typeof element !== typeof operand) return false;
    const order = compare(element as string | number, operand as string | number);
    return { $gt: order > 0, $gte: order >= 0, $lt: order < 0, $lte: order <= 0 }[operator];
  });
}

/** Texts by code point, as the database does, not by UTF-16 unit. */
function compare(left: string | number, right: string | number): number {
  if (typeof left === "number") return left - (right as number);
  const [a, b] = [
    [...left].map((char) => char.codePointAt(0)!),
    [...right as string].map((char) => char.codePointAt(0)!),
  ];
  const at = a.findIndex((point, index) => point !== b[index]);
  return at === -1 ? a.length - b.length : a[at]! - (b[at] ?? -1);
}

/** Every value at the path; an array on the way stands for its elements, one level deep. */
function valuesAt(event: Json, names: string[]): unknown[] {
  let found: unknown[] = [event];
  for (const name of names) {
    found = found.flat().flatMap((item) =>
      typeof item === "object" && item !== null && !Array.isArray(item) && Object.hasOwn(item, name)
        ? [(item as Json)[name]]
        : []
    );
  }
  return found;
}
