import * as z from "zod";
import { channelSchema } from "../_shared/providers/slack/settings.ts";
import { limitProblem } from "./message_limits.ts";

const block = () => z.looseObject({ type: z.string().min(1).max(100) });

/**
 * A message as chat.postMessage and incoming webhooks take it. Mentions and links are left as they are written: a
 * message is the caller's own.
 */
export const messageSchema = z.strictObject({
  text: z.string().optional(),
  blocks: z.array(block()).optional(),
  attachments: z.array(z.record(z.string(), z.unknown())).optional(),
  /** Left out: the connector's default_channel. */
  channel: channelSchema().optional(),
  username: z.string().min(1).max(200).optional(),
  icon_emoji: z.string().max(200).regex(/^:[^\s]+:$/, "is an emoji's name between colons").optional(),
  icon_url: z.url({ protocol: /^https$/ }).max(3000).optional(),
  /** ts of the message to answer. */
  thread_ts: z.string().regex(/^\d{1,12}\.\d{6}$/, "is a message's ts, such as 1731000000.000100").optional(),
  /** Whether an answer in a thread shows in the channel as well. */
  reply_broadcast: z.boolean().optional(),
  unfurl_links: z.boolean().optional(),
  unfurl_media: z.boolean().optional(),
}).superRefine((message, context) => {
  const issue = (path: (string | number)[], text: string) =>
    context.addIssue({ code: "custom", path, message: text });
  const says = [message.text, message.blocks, message.attachments].some((part) => part?.length);
  if (!says) issue([], "has neither text, blocks nor attachments");
  const problem = limitProblem(message);
  if (problem) issue(problem.path, problem.message);
});

export type Message = z.infer<typeof messageSchema>;

/** What an incoming webhook settles itself, and passes over where a message says otherwise. */
const SETTLED_BY_WEBHOOK = ["channel", "username", "icon_emoji", "icon_url", "reply_broadcast"] as const;

/** The first field of a message that an incoming webhook would pass over; null = there is none. */
export function ignoredByWebhook(message: Message): string | null {
  return SETTLED_BY_WEBHOOK.find((name) => message[name] !== undefined) ?? null;
}
