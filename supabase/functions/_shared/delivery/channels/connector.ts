import * as z from "zod";
import { environment } from "../../env.ts";
import type { Channel } from "./channel.ts";
import { EmailChannel } from "./email.ts";
import { emailSettingsSchema, slackSettingsSchema } from "./settings.ts";
import { SlackChannel } from "./slack.ts";

const RESEND_URL = "https://api.resend.com";

/** A subscription's connector as `get_delivery_endpoints` answers it; null = it has none, or it is another tenant's. */
export const connectorSchema = z.object({
  type: z.string(),
  status: z.string(),
  config: z.record(z.string(), z.unknown()),
  /** JSON out of Vault; null = none are stored. */
  credentials: z.string().nullable(),
}).nullable();

type Connector = z.infer<typeof connectorSchema>;

/** How a subscription that uses a connector sends: a channel, or a sentence that says why it cannot. */
export type Connected =
  | { channel: Channel & { bodyStart: string }; secrets: string[] }
  | { problem: string };

const header = z.string().regex(/^[\x21-\x7e]+$/);
const slackCredentials = z.union([
  z.object({ bot_token: header }),
  z.object({ webhook_url: z.url() }),
]);
const emailCredentials = z.object({ api_key: header });
const emailConnectorConfig = z.object({
  flavor: z.literal("resend"),
  from: z.string().min(3).max(320).regex(/^\P{Cc}+$/u),
  base_url: z.url().default(RESEND_URL),
});

/** Makes the channel of a subscription out of its settings and its connector, both of which may have gone wrong since. */
export function connected(
  channel: string,
  config: { slack?: unknown; email?: unknown },
  connector: Connector,
): Connected {
  if (connector === null) return problem("is not there any more; choose another one");
  if (connector.status !== "active") return problem("is not active; activate it, or choose another one");
  const credentials = parsedJson(connector.credentials);
  if (credentials === null) return problem("has no credentials; connect it again");
  return channel === "slack"
    ? slack(config.slack, connector, credentials)
    : email(config.email, connector, credentials);
}

function slack(settings: unknown, connector: NonNullable<Connector>, given: unknown): Connected {
  const wanted = slackSettingsSchema.safeParse(settings);
  const credentials = slackCredentials.safeParse(given);
  if (connector.type !== "slack" || !wanted.success) {
    return problem("is not one of Slack; choose another one");
  }
  if (!credentials.success) return problem("has no bot token and no webhook URL; connect Slack again");
  const { channel } = wanted.data;
  if ("bot_token" in credentials.data) {
    const token = credentials.data.bot_token;
    const url = `${environment().INTERLOCK_SLACK_API_URL}/chat.postMessage`;
    return { channel: new SlackChannel({ url, token, channel }), secrets: [token] };
  }
  const url = credentials.data.webhook_url;
  // The path is the secret, wherever it is echoed.
  return { channel: new SlackChannel({ url, token: null, channel }), secrets: [url, new URL(url).pathname] };
}

function email(settings: unknown, connector: NonNullable<Connector>, given: unknown): Connected {
  const wanted = emailSettingsSchema.safeParse(settings);
  const config = emailConnectorConfig.safeParse(connector.config);
  const credentials = emailCredentials.safeParse(given);
  if (connector.type !== "api" || !wanted.success || !config.success) {
    return problem("is not one of an e-mail API with a sender; choose another one");
  }
  if (!credentials.success) return problem("has no API key; store one");
  const { to, subject } = wanted.data;
  const { from, base_url } = config.data;
  const { api_key: apiKey } = credentials.data;
  const url = `${base_url.replace(/\/+$/, "")}/emails`;
  return {
    channel: new EmailChannel({ url, apiKey, from, to, subject: subject ?? null }),
    secrets: [apiKey],
  };
}

function problem(what: string): Connected {
  return { problem: `The connector of this subscription ${what}.` };
}

function parsedJson(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
