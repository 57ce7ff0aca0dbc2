/**
 * Slack's limits, as docs.slack.dev says them of chat.postMessage and of each kind of block. What breaks one is refused
 * there with a code that does not say where; a longer text is cut.
 */
const MAX_TEXT_CHARS = 40_000;
const MAX_BLOCKS = 50;
const MAX_ATTACHMENTS = 100;

/** Most characters, or things in a list, by kind of block and where in it. */
const BLOCK_LIMITS: Record<string, Record<string, number>> = {
  section: { text: 3000, fields: 10, "fields.*": 2000 },
  header: { text: 150 },
  context: { elements: 10 },
  actions: { elements: 25 },
  image: { image_url: 3000, alt_text: 2000, title: 2000 },
  markdown: { text: 12_000 },
  video: { title: 200, author_name: 50, provider_name: 50 },
  button: { text: 75, value: 2000, url: 3000 },
};
const MAX_ID_CHARS = 255;

/** What breaks a limit, and where in the message. */
export interface LimitProblem {
  path: (string | number)[];
  message: string;
}

/** What of a message is looked at. */
export interface LimitedMessage {
  text?: string;
  blocks?: Record<string, unknown>[];
  attachments?: Record<string, unknown>[];
}

/** The first limit of Slack that a message breaks, by name; null = it breaks none. */
export function limitProblem({ text, blocks, attachments }: LimitedMessage): LimitProblem | null {
  return tooLong(["text"], text, MAX_TEXT_CHARS) ??
    blocksProblem(["blocks"], blocks) ??
    tooMany(["attachments"], attachments, MAX_ATTACHMENTS) ??
    first(attachments, (attachment, index) =>
      blocksProblem(
        ["attachments", index, "blocks"],
        listOf(attachment.blocks),
      ));
}

function blocksProblem(path: LimitProblem["path"], blocks: unknown[] | undefined): LimitProblem | null {
  return tooMany(path, blocks, MAX_BLOCKS) ??
    first(blocks, (block, index) => blockProblem([...path, index], block));
}

function blockProblem(path: LimitProblem["path"], block: unknown): LimitProblem | null {
  if (!isObject(block)) return null;
  const limits = Object.entries(BLOCK_LIMITS[String(block.type)] ?? {});
  return first(limits, ([place, limit]) => {
    const [name, each] = place.split(".") as [string, string?];
    const value = block[name];
    if (each) return first(listOf(value), (one, index) => tooLong([...path, name, index], one, limit));
    return Array.isArray(value)
      ? tooMany([...path, name], value, limit)
      : tooLong([...path, name], value, limit);
  }) ??
    first(["block_id", "action_id"], (name) => tooLong([...path, name], block[name], MAX_ID_CHARS)) ??
    first(listOf(block.elements), (element, index) => blockProblem([...path, "elements", index], element)) ??
    blockProblem([...path, "accessory"], block.accessory);
}

/** A text, or an object with one. Characters are counted as people do: an emoji is one. */
function tooLong(path: LimitProblem["path"], value: unknown, limit: number): LimitProblem | null {
  const text = isObject(value) ? value.text : value;
  if (typeof text !== "string" || text.length <= limit) return null;
  const chars = [...text].length;
  if (chars <= limit) return null;
  return {
    path,
    message: `Slack takes at most ${amount(limit)} characters here, and these are ${amount(chars)}`,
  };
}

function tooMany(
  path: LimitProblem["path"],
  list: unknown[] | undefined,
  limit: number,
): LimitProblem | null {
  if (list === undefined || list.length <= limit) return null;
  return { path, message: `Slack takes at most ${limit} of these, and there are ${amount(list.length)}` };
}

function first<Item>(
  list: readonly Item[] | undefined,
  look: (item: Item, index: number) => LimitProblem | null,
): LimitProblem | null {
  for (const [index, item] of (list ?? []).entries()) {
    const problem = look(item, index);
    if (problem) return problem;
  }
  return null;
}

function listOf(value: unknown): unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const amount = (count: number) => count.toLocaleString("en");
