import type { OutgoingItem } from "./channel.ts";
import { type EventCard, eventCard, type Fact, oneLine } from "./event_card.ts";

const MAX_FACTS = 40;
/** In a digest of many events each gets less room. */
const MAX_FACTS_IN_BATCH = 12;
const MAX_SUBJECT_CHARS = 200;

/** A mail: the same in text and in HTML. */
export interface Mail {
  subject: string;
  text: string;
  html: string;
}

/** The mail for one event, or the digest of a batch. */
export function emailDigest(items: OutgoingItem[], subject: string | null): Mail {
  const cards = items.map((item) => eventCard(item, items.length > 1 ? MAX_FACTS_IN_BATCH : MAX_FACTS));
  const title = cards.length === 1 ? cards[0]!.title : `${cards.length} events: ${titlesOf(cards)}`;
  return {
    subject: oneLine(subject ?? title, MAX_SUBJECT_CHARS),
    text: cards.map(textOf).join("\n\n"),
    html: `<!doctype html><html><body style="font-family:sans-serif">${
      cards.map(htmlOf).join("")
    }</body></html>`,
  };
}

/** "Readiness updated (3), contact.created". */
function titlesOf(cards: EventCard[]): string {
  const counts = new Map<string, number>();
  for (const { title } of cards) counts.set(title, (counts.get(title) ?? 0) + 1);
  return [...counts].map(([title, count]) => count > 1 ? `${title} (${count})` : title).join(", ");
}

function textOf(card: EventCard): string {
  const lines = rowsOf(card).map(({ label, value }) => `${label}: ${value}`);
  return [card.title, "-".repeat(card.title.length), ...lines].join("\n");
}

function htmlOf(card: EventCard): string {
  const rows = rowsOf(card).map(({ label, value }) =>
    `<tr><th align="left" valign="top">${escapedHtml(label)}</th><td>${escapedHtml(value)}</td></tr>`
  );
  return `<h2>${escapedHtml(card.title)}</h2><table cellpadding="4">${rows.join("")}</table>`;
}

function rowsOf(card: EventCard): Fact[] {
  const more = card.omitted > 0 ? [{ label: "Not shown", value: `${card.omitted} more values` }] : [];
  return [...card.facts, ...more, { label: "Time", value: card.at }, { label: "Id", value: card.webhookId }];
}

/** Text that a mail program shows as it is, between tags as in attributes. */
export function escapedHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}
