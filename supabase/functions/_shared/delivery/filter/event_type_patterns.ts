import * as z from "zod";

/** Most patterns of a subscription. */
export const MAX_PATTERNS = 50;

const PATTERN = /^(\*|[a-z0-9_]+(\.[a-z0-9_]+)*\.\*|[a-z0-9_]+(\.[a-z0-9_]+)+)$/;

/**
 * The `event_types` setting of a subscription: `contact.created` is that type, `contact.*` every type below contact
 * however deep, `*` every type.
 */
export const eventTypePatternsSchema = z.array(
  z.string().max(100, "An event type pattern has at most 100 characters.").regex(
    PATTERN,
    "An event type pattern is a type such as contact.created, a family such as contact.*, or * for all.",
  ),
).min(1, "Name at least one event type; * stands for all.").max(
  MAX_PATTERNS,
  `A subscription names at most ${MAX_PATTERNS} event types; use a family such as contact.*.`,
).refine(
  (patterns) => new Set(patterns).size === patterns.length,
  "An event type is named twice; remove one.",
);

/**
 * Every pattern that matches a type: `a.b.c` is matched by `a.b.c`, `a.b.*`, `a.*` and `*`. The SQL function
 * `private.event_type_candidates` says the same, so that `event_types && candidates` is an array overlap an index
 * answers.
 */
export function eventTypeCandidates(type: string): string[] {
  const names = type.split(".");
  const families = names.slice(1).map((_, index) =>
    `${names.slice(0, names.length - 1 - index).join(".")}.*`
  );
  return [type, ...families, "*"];
}

/** Whether any of the patterns matches the type. */
export function matchesEventType(patterns: readonly string[], type: string): boolean {
  return eventTypeCandidates(type).some((candidate) => patterns.includes(candidate));
}
