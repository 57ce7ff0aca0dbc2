import * as z from "zod";

/** Most channels that one connector reads: their places are kept in one checkpoint. */
export const MAX_CHANNELS = 2000;

const channelId = () => z.string().regex(/^[CG][A-Z0-9]{1,30}$/, "is a channel's id, such as C0123456789");

/** A channel's id, which survives a new name, or its name after a #; also a person's, for a message to them. */
export const channelSchema = () =>
  z.string().regex(
    /^(?:[CGDU][A-Z0-9]{1,30}|#[^\s\p{Cc}#@<>&,]{1,80})$/u,
    "is a channel's id, or its name after a #",
  );

/** What a connector of Slack is told. */
export interface SlackConfig {
  /** Where messages go that name no channel. */
  default_channel?: string;
  /** The channels that are read: all the app is in, or these. */
  channels: "joined" | string[];
  /** Whether private channels are read too; needs groups:read and groups:history. */
  private_channels: boolean;
  /** Messages before this instant are not read. */
  messages_since?: string;
  /** How many hours before the newest message it has of a channel an incremental sync reads again. */
  reread_hours: number;
}

export const slackConfigSchema = (): z.ZodType<SlackConfig> =>
  z.strictObject({
    default_channel: channelSchema().optional(),
    channels: z.union([z.literal("joined"), z.array(channelId()).min(1).max(MAX_CHANNELS)], {
      error: "is joined, or a list of channels' ids",
    }).default("joined"),
    private_channels: z.boolean().default(false),
    messages_since: z.iso.datetime({ offset: true }).optional(),
    reread_hours: z.int().min(0).max(720).default(24),
  });

/** An app's bot token, or the URL of an incoming webhook, which is itself the credential. */
export type SlackSecrets =
  | {
    bot_token: string;
    refresh_token?: string;
    /** Instant at which the bot token expires; left out = it does not. */
    expires_at?: string;
    /** Granted scopes, separated by commas. */
    scope?: string;
    team_id?: string;
  }
  | { webhook_url: string };

const printable = () => z.string().min(1).max(1000).regex(/^[\x21-\x7e]+$/, "is printable ASCII");

export const slackSecretsSchema = (): z.ZodType<SlackSecrets> =>
  z.union([
    z.strictObject({
      bot_token: printable(),
      refresh_token: printable().optional(),
      expires_at: z.iso.datetime({ offset: true }).optional(),
      scope: z.string().max(2000).optional(),
      team_id: z.string().max(100).optional(),
    }),
    z.strictObject({ webhook_url: z.url({ protocol: /^https?$/ }).max(2000) }),
  ], { error: "is either {bot_token} or {webhook_url}" });
