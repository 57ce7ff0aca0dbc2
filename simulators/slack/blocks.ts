/** What a message may be at the most: Block Kit's reference. */
const MAX_BLOCKS = 50;
const MAX_TEXT_CHARS = 40_000;
const MAX_ATTACHMENTS = 100;

interface Text {
  type: string;
  text: string;
  verbatim?: boolean;
}

interface Block {
  type: string;
  text?: Text;
  fields?: Text[];
  elements?: Text[];
  image_url?: string;
  alt_text?: string;
}

/** A message as the Web API takes it. */
export interface SlackPost {
  channel?: string;
  text?: string;
  blocks?: Block[];
  attachments?: Record<string, unknown>[];
  username?: string;
  icon_emoji?: string;
  icon_url?: string;
  thread_ts?: string;
  metadata?: { event_type?: unknown; event_payload?: unknown };
}

/** The code of what is wrong with a message, as Slack says it; null = it would be posted. */
export function messageProblem(post: SlackPost): string | null {
  if (!post.text && !post.blocks?.length && !post.attachments?.length) return "no_text";
  if ((post.text?.length ?? 0) > MAX_TEXT_CHARS) return "msg_too_long";
  if (post.blocks !== undefined && !isBlocks(post.blocks)) return "invalid_blocks";
  if (post.attachments !== undefined && !Array.isArray(post.attachments)) return "invalid_attachments";
  if ((post.attachments?.length ?? 0) > MAX_ATTACHMENTS) return "too_many_attachments";
  if (post.thread_ts !== undefined && !/^\d+\.\d{6}$/.test(post.thread_ts)) return "invalid_thread_ts";
  if (post.metadata !== undefined && !isMetadata(post.metadata)) return "invalid_metadata_format";
  return null;
}

/**
 * What a message would do beside saying something: mentions and links in Slack's angle brackets. Text that was escaped
 * does nothing.
 */
export function controlsIn(post: SlackPost): string[] {
  const texts = (post.blocks ?? []).flatMap((block) => [
    ...(block.text?.type === "mrkdwn" ? [block.text] : []),
    ...(block.fields ?? []),
    ...(block.elements ?? []),
  ]).map((text) => text?.text);
  return [post.text ?? "", ...texts].flatMap((text) =>
    typeof text !== "string" ? [] : text.match(/<[^<>]*>?/g) ?? []
  );
}

function isBlocks(blocks: unknown): boolean {
  return Array.isArray(blocks) && blocks.length > 0 && blocks.length <= MAX_BLOCKS && blocks.every(isBlock);
}

function isBlock(block: Block | null): boolean {
  if (typeof block !== "object" || block === null) return false;
  switch (block.type) {
    case "header":
      return block.text?.type === "plain_text" && isText(block.text, 150);
    case "section": {
      if (block.text === undefined && block.fields === undefined) return false;
      const isGood = block.text === undefined || isText(block.text, 3000);
      return isGood && (block.fields === undefined || areTexts(block.fields, 2000));
    }
    case "context":
      return areTexts(block.elements, 3000);
    case "image":
      return typeof block.image_url === "string" && typeof block.alt_text === "string";
    default:
      return block.type === "divider";
  }
}

function areTexts(texts: Text[] | undefined, maxChars: number): boolean {
  return Array.isArray(texts) && texts.length > 0 && texts.length <= 10 &&
    texts.every((text) => isText(text, maxChars));
}

function isText(text: Text | null, maxChars: number): boolean {
  if (typeof text !== "object" || text === null) return false;
  const isKnown = text.type === "mrkdwn" || (text.type === "plain_text" && text.verbatim === undefined);
  return isKnown && typeof text.text === "string" && text.text.length > 0 && text.text.length <= maxChars;
}

function isMetadata(metadata: NonNullable<SlackPost["metadata"]>): boolean {
  return typeof metadata.event_type === "string" && typeof metadata.event_payload === "object";
}
