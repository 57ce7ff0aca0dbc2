import type { OutgoingItem } from "./channel.ts";

/** An event as a person reads it, before any markup: plain text of one line each, cut to size. */
export interface EventCard {
  title: string;
  type: string;
  /** "2026-11-21 08:33 UTC". */
  at: string;
  facts: Fact[];
  /** Facts there was no room for. */
  omitted: number;
  webhookId: string;
}

export interface Fact {
  label: string;
  value: string;
}

/** Longest value in characters; the webhook is the channel for long texts. */
const MAX_VALUE_CHARS = 300;
const MAX_LABEL_CHARS = 80;
const MAX_DEPTH = 3;
/** Where a value is only looked at and never shown: an event may be large. */
const MAX_LOOKED_AT = 500;

/** Guardian's types: what people call them, and what of them comes first. The rest follows in its own order. */
const KNOWN = new Map<string, { title: string; first: string[] }>([
  ["readiness_updated", { title: "Readiness updated", first: ["overall_score", "band"] }],
  ["uplift_plan_created", { title: "Uplift plan created", first: ["status", "dimension", "target_score"] }],
  ["uplift_task_updated", { title: "Uplift task updated", first: ["status", "priority", "dimension"] }],
  ["edition_fit_computed", {
    title: "Edition fit computed",
    first: ["edition_key", "fit_score", "fit_status"],
  }],
  ["executive_report_created", {
    title: "Executive report created",
    first: ["report_type", "period_start_on", "period_end_on", "overall_score"],
  }],
  ["adoption_scores_computed", {
    title: "Adoption scores computed",
    first: ["overall_score", "overall_status"],
  }],
  ["lifecycle_run_completed", { title: "Lifecycle run completed", first: ["run_type", "items_scanned"] }],
  ["test", { title: "Test of the integration", first: ["message"] }],
]);

/** Control characters, halves of characters, and marks that turn the direction of what follows. */
const UNREADABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;

/**
 * What a person gets to see of a payload: its title, and its plain values as a list. Pure; the same for the same
 * payload, so that a repeated attempt makes the same message.
 *
 * @param maxFacts - how many values there is room for.
 */
export function eventCard(item: OutgoingItem, maxFacts: number): EventCard {
  const known = KNOWN.get(item.type);
  const facts = [...entityFact(item), ...factsOf(item.data, known?.first ?? [])];
  return {
    title: known?.title ?? oneLine(item.type, MAX_LABEL_CHARS),
    type: oneLine(item.type, MAX_LABEL_CHARS),
    at: readableInstant(item.timestamp),
    facts: facts.slice(0, maxFacts),
    omitted: Math.max(0, facts.length - maxFacts),
    webhookId: item.id,
  };
}

/** A text on one line, without what cannot be read, cut between characters to so many. */
export function oneLine(text: string, maxChars: number): string {
  const clean = text.replace(UNREADABLE, " ").trim();
  if (clean.length <= maxChars) return clean;
  // The cut may go through a pair of halves: then the first half goes too.
  return `${clean.slice(0, maxChars - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

function entityFact(item: OutgoingItem): Fact[] {
  if (!item.entity) return [];
  return [{ label: "Entity", value: oneLine(`${item.entity.type} ${item.entity.id}`, MAX_VALUE_CHARS) }];
}

function factsOf(data: Record<string, unknown>, first: string[]): Fact[] {
  const facts: Fact[] = [];
  const places = [...first.filter((key) => Object.hasOwn(data, key)), ...Object.keys(data)];
  for (const key of new Set(places)) collect(facts, [key], data[key]);
  return facts;
}

function collect(facts: Fact[], path: string[], value: unknown): void {
  if (facts.length >= MAX_LOOKED_AT || value === null || value === undefined || value === "") return;
  if (Array.isArray(value)) {
    const plain = value.every((entry) => typeof entry !== "object");
    return add(facts, path, plain ? value.join(", ") : `${value.length} entries`);
  }
  if (typeof value !== "object") return add(facts, path, String(value));
  if (path.length >= MAX_DEPTH) return add(facts, path, `${Object.keys(value).length} fields`);
  for (const [key, inner] of Object.entries(value)) collect(facts, [...path, key], inner);
}

function add(facts: Fact[], path: string[], value: string): void {
  facts.push({
    label: oneLine(labelOf(path), MAX_LABEL_CHARS) || "-",
    value: oneLine(/_at$/.test(path.at(-1)!) ? readableInstant(value) : value, MAX_VALUE_CHARS) || "-",
  });
}

/** `dimension_scores`, `core` -> "Dimension scores: core". */
function labelOf(path: string[]): string {
  const text = path.map((key) => key.replaceAll("_", " ").trim()).join(": ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function readableInstant(text: string): string {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?Z$/.exec(text);
  return match ? `${match[1]} ${match[2]} UTC` : oneLine(text, MAX_LABEL_CHARS);
}
