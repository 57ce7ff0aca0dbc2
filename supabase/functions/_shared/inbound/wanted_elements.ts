import type { WebhookElement } from "../providers/webhook_scheme.ts";

/** A pattern of types: a type, or the beginning of one with `*` behind it. The table checks the same. */
export const TYPE_PATTERN = /^(?:[A-Za-z0-9_.:-]{1,100}|[A-Za-z0-9_.:-]{0,99}\*)$/;

/** An element with its place in the request, by which consumers find it again. */
export interface PlacedElement extends WebhookElement {
  index: number;
}

/** The elements whose type one of the patterns means. */
export function wantedElements(elements: WebhookElement[], patterns: string[]): PlacedElement[] {
  return elements.map((element, index) => ({ ...element, index }))
    .filter(({ type }) => patterns.some((pattern) => matches(type, pattern)));
}

function matches(type: string, pattern: string): boolean {
  return pattern.endsWith("*") ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}
