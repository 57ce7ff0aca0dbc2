import { LANGUAGE_LIMITS as LIMITS } from "./limits.ts";

/** Why a function cannot be used, by its name. */
const FORBIDDEN: Record<string, string> = {
  eval: "it would run a text as an expression",
  match: "it takes a regular expression",
  parseInteger: "it builds a regular expression",
  now: "the same input must always give the same bytes",
  millis: "the same input must always give the same bytes",
  random: "the same input must always give the same bytes",
  shuffle: "the same input must always give the same bytes",
};

/** Names of the functions an expression cannot use. */
export const FORBIDDEN_FUNCTIONS: readonly string[] = Object.keys(FORBIDDEN);

interface Found {
  nodes: number;
}

const objectValues = new WeakSet<object>();
const rangeEnds = new WeakSet<object>();

/** Whether what the node of a checked tree gives becomes the value of a field of an object. */
export function isObjectValue(node: object): boolean {
  return objectValues.has(node);
}

/** Whether what the node of a checked tree gives is where a range begins or ends. */
export function isRangeEnd(node: object): boolean {
  return rangeEnds.has(node);
}

/** A sentence about what a syntax tree holds that is not allowed, or null. */
export function treeObjection(tree: unknown): string | null {
  return objectionAt(tree, 0, { nodes: 0 }, new Set());
}

function objectionAt(value: unknown, depth: number, found: Found, seen: Set<object>): string | null {
  if (typeof value !== "object" || value === null || seen.has(value)) return null;
  seen.add(value);
  if (depth > LIMITS.treeDepth) {
    return `The expression is nested deeper than ${LIMITS.treeDepth} levels; make it flatter.`;
  }
  if (!Array.isArray(value)) {
    if (++found.nodes > LIMITS.treeNodes) {
      return `The expression has more than ${LIMITS.treeNodes} parts; make it shorter.`;
    }
    const objection = nodeObjection(value as Record<string, unknown>);
    if (objection) return objection;
    noteRoles(value as Record<string, unknown>);
  }
  for (const part of Object.values(value)) {
    const objection = objectionAt(part, depth + 1, found, seen);
    if (objection) return objection;
  }
  return null;
}

function noteRoles(node: Record<string, unknown>): void {
  if (node.type === "binary" && node.value === "..") {
    for (const end of [node.lhs, node.rhs]) rangeEnds.add(end as object);
  }
  // Object constructors and groupings keep their fields as pairs of nodes.
  if (!Array.isArray(node.lhs)) return;
  for (const pair of node.lhs) {
    if (Array.isArray(pair)) objectValues.add(pair[1]);
  }
}

function nodeObjection(node: Record<string, unknown>): string | null {
  const at = typeof node.position === "number" ? ` (at character ${node.position})` : "";
  if (node.type === "regex") {
    return `Regular expressions cannot be used${at}: they can take forever. Compare texts with $contains, $substringBefore, $substringAfter, $split and $replace.`;
  }
  if (node.type === "variable" && typeof node.value === "string" && Object.hasOwn(FORBIDDEN, node.value)) {
    return `$${node.value} cannot be used${at}: ${FORBIDDEN[node.value]}.`;
  }
  if (node.type === "lambda" && node.signature !== undefined) {
    return `A function cannot declare a signature${at}; leave out what stands between < and >.`;
  }
  if (node.focus === "then") {
    return `The variable of @ cannot be called $then${at}; choose another name.`;
  }
  return null;
}
