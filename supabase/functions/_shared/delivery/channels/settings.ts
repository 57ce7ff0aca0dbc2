import * as z from "zod";

/** Ways in which deliveries of a subscription can leave. */
export const CHANNELS = ["webhook", "slack", "email"] as const;
export type ChannelName = typeof CHANNELS[number];

/** Most addresses that Resend takes in one mail. */
const MAX_RECIPIENTS = 50;

/** `config.slack`: which workspace, by its connector, and where in it. */
export const slackSettingsSchema = z.strictObject({
  connector_id: z.uuid(),
  /** A channel's id (C0123456789), which survives a new name, or its name (#ops). */
  channel: z.string().regex(
    /^(?:[CGDU][A-Z0-9]{1,30}|#[^\s\p{Cc}#@<>&,]{1,80})$/u,
    "is a channel's id, or its name after a #",
  ),
});

/** `config.email`: by which connector, to whom, under which subject. */
export const emailSettingsSchema = z.strictObject({
  connector_id: z.uuid(),
  to: z.array(z.email().max(254)).min(1).max(MAX_RECIPIENTS).refine(
    (addresses) => new Set(addresses.map((address) => address.toLowerCase())).size === addresses.length,
    "names an address twice",
  ),
  /** Default: what happened. */
  subject: z.string().trim().min(1).max(200).regex(/^\P{Cc}+$/u, "has no control characters").optional(),
});

/** What a configuration says of its channel, beside `webhook_url`. */
export const channelSettings = {
  /** How deliveries leave. Default: webhook. */
  channel: z.enum(CHANNELS).optional(),
  slack: slackSettingsSchema.optional(),
  email: emailSettingsSchema.optional(),
};

/**
 * For `superRefine` of a new configuration: what its channel needs is there, and what only another channel would read is
 * not. Whether the connector may be used is the database's to say, when it is saved.
 */
export function checkChannel(config: object, context: z.RefinementCtx): void {
  const given: Record<string, unknown> = { ...config };
  const channel = (given.channel ?? "webhook") as ChannelName;
  const needed = channel === "webhook" ? "webhook_url" : channel;
  const issue = (name: string, message: string) =>
    context.addIssue({ code: "custom", path: [name], message });
  if (given[needed] === undefined) issue(needed, `is needed for the channel ${channel}`);
  const settings = channel === "webhook"
    ? ["slack", "email"] as const
    : ["webhook_url", "headers", "signature", channel === "slack" ? "email" : "slack"] as const;
  for (const name of settings) {
    if (given[name] !== undefined) issue(name, `is not read by the channel ${channel}`);
  }
}
