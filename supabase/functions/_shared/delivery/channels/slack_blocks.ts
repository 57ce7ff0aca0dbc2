import type { OutgoingItem } from "./channel.ts";
import { type EventCard, eventCard, type Fact, oneLine } from "./event_card.ts";

/** Limits of Block Kit; `escaped` can make five characters of one. */
const MAX_HEADER_CHARS = 150;
const MAX_SECTION_CHARS = 3000;
const MAX_FIELDS_OF_SECTION = 10;
const MAX_FACTS = 20;
const MAX_FACTS_IN_BATCH = 6;
/** Header, events, and a line for the rest: 50 blocks at the most. */
const MAX_EVENTS = 47;
/** Of the whole message: Slack echoes it in its answer. */
const MAX_BATCH_CHARS = 20_000;
const MAX_FALLBACK_CHARS = 500;

type Block = { type: string } & Record<string, unknown>;

/** What Slack shows: blocks, and a text for notifications and for those who cannot see blocks. */
export interface SlackMessage {
  text: string;
  blocks: Block[];
}

/** The message for one event, or for a batch of them. */
export function slackMessage(items: OutgoingItem[], isBatch: boolean): SlackMessage {
  return isBatch ? batchMessage(items) : eventMessage(eventCard(items[0]!, MAX_FACTS));
}

/**
 * Text that Slack reads as nothing but text: without this, `<!channel>` in a customer's name would wake everybody, and
 * `<https://...|bank.example>` would lead elsewhere than it says.
 */
export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function eventMessage(card: EventCard): SlackMessage {
  const fields = card.facts.map(field);
  const sections: Block[] = [];
  for (let at = 0; at < fields.length; at += MAX_FIELDS_OF_SECTION) {
    sections.push({ type: "section", fields: fields.slice(at, at + MAX_FIELDS_OF_SECTION) });
  }
  const more = card.omitted > 0 ? ` · ${card.omitted} more values` : "";
  return {
    text: escaped(oneLine(`${card.title}. ${inLine(card.facts.slice(0, 4))}`, MAX_FALLBACK_CHARS)),
    blocks: [header(card.title), ...sections, context(`${card.at} · ${card.type}${more}`)],
  };
}

function batchMessage(items: OutgoingItem[]): SlackMessage {
  const title = `${items.length} ${items.length === 1 ? "event" : "events"}`;
  const sections: Block[] = [];
  let chars = 0;
  for (const item of items) {
    const section = eventSection(eventCard(item, MAX_FACTS_IN_BATCH));
    chars += section.text.text.length;
    if (sections.length === MAX_EVENTS || chars > MAX_BATCH_CHARS) break;
    sections.push(section);
  }
  const left = items.length - sections.length;
  const rest = left > 0 ? [context(`and ${left} more`)] : [];
  return { text: title, blocks: [header(title), ...sections, ...rest] };
}

function eventSection(card: EventCard) {
  const head = `*${escaped(card.title)}* · ${escaped(card.at)}`;
  // Cut before it is escaped, so that no entity is cut in two.
  const room = Math.floor((MAX_SECTION_CHARS - head.length - 1) / 5);
  return { type: "section", text: mrkdwn(`${head}\n${escaped(oneLine(inLine(card.facts), room))}`) };
}

function inLine(facts: Fact[]): string {
  return facts.map((fact) => `${fact.label}: ${fact.value}`).join(" · ");
}

function header(title: string): Block {
  const text = oneLine(title.replaceAll(/[<>&]/g, " "), MAX_HEADER_CHARS) || "Event";
  return { type: "header", text: { type: "plain_text", text, emoji: false } };
}

function context(text: string): Block {
  return { type: "context", elements: [mrkdwn(escaped(text))] };
}

function field({ label, value }: Fact) {
  return mrkdwn(`*${escaped(label)}*\n${escaped(value)}`);
}

/** verbatim: Slack makes no links and no mentions of what only looks like them. */
function mrkdwn(text: string) {
  return { type: "mrkdwn", text, verbatim: true };
}
