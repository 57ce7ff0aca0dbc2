import { constantTimeEqual } from "../../crypto/constant_time_equal.ts";
import { hexDecode, hexEncode, utf8Bytes } from "../../crypto/encoding.ts";
import { type HmacKey, hmacSha256, hmacSha256Key } from "../../crypto/hmac.ts";
import { isJsonObject, type LosslessJsonObject, scalarText } from "../../json/lossless.ts";
import { keyOf, keyOfBody } from "../element_keys.ts";
import { echo } from "../handshakes.ts";
import { formField, isForm } from "../form_body.ts";
import { jsonObjectOrNull, parseJsonObject, randomBytes } from "../json_body.ts";
import { jsonSample, withHeaders } from "../sample_request.ts";
import { noSettings } from "../setting_types.ts";
import { epochSeconds, isTimely } from "../timestamps.ts";
import {
  defineScheme,
  elementType,
  type SampleRequest,
  type SignedRequest,
  type WebhookElement,
} from "../webhook_scheme.ts";

/** A check of the address is short; what is longer is news, and not parsed twice. */
const MAX_CHECK_BYTES = 4096;

/**
 * Slack (docs.slack.dev, "Verifying requests from Slack"): `v0=<hex>`, the HMAC-SHA-256 of `v0:timestamp:body` with the
 * app's signing secret. Events, and forms from slash commands and buttons.
 */
export const slack = defineScheme<Record<string, never>, HmacKey>({
  provider: "slack",
  secretFrom: "them",
  settings: noSettings,
  exampleSettings: {},
  generateSecret: () => hexEncode(randomBytes(16)),
  importKey: (secret) => hmacSha256Key(utf8Bytes(secret)),
  async verify(request, key, nowMs) {
    const timestamp = request.headers.get("x-slack-request-timestamp") ?? "";
    const [, sent] = /^v0=([0-9a-f]{64})$/i.exec(request.headers.get("x-slack-signature") ?? "") ?? [];
    const expected = await hmacSha256(key, utf8Bytes(`v0:${timestamp}:`), request.body);
    return constantTimeEqual(expected, sent ? hexDecode(sent) : null) && isTimely(timestamp, nowMs);
  },
  /** `url_verification`, sent once when the address is entered; signed like everything else. */
  handshake(request) {
    if (request.body.length > MAX_CHECK_BYTES || isForm(request)) return null;
    const body = jsonObjectOrNull(request.body);
    return body?.type === "url_verification" ? echo(scalarText(body.challenge)) : null;
  },
  elements: async (request) => [isForm(request) ? await formElement(request) : await eventElement(request)],
  sample: (secret, _, nowMs, url) => slackSample(secret, "T0SAMPLE", nowMs, url),
});

/** A request with one event of a workspace. */
export async function slackSample(
  secret: string,
  teamId: string,
  nowMs: number,
  url: string,
): Promise<SampleRequest> {
  const timestamp = epochSeconds(nowMs);
  const sample = jsonSample(url, {
    type: "event_callback",
    team_id: teamId,
    api_app_id: "A0SAMPLE",
    event_id: `Ev${crypto.randomUUID()}`,
    event_time: Number(timestamp),
    event: { type: "sample.sent" },
  });
  const key = await hmacSha256Key(utf8Bytes(secret));
  const signature = await hmacSha256(key, utf8Bytes(`v0:${timestamp}:`), sample.body);
  return withHeaders(sample, {
    "x-slack-request-timestamp": timestamp,
    "x-slack-signature": `v0=${hexEncode(signature)}`,
  });
}

async function eventElement(request: SignedRequest): Promise<WebhookElement> {
  const body = parseJsonObject(request.body);
  const id = scalarText(body.event_id);
  return {
    dedupeKey: id ? await keyOf(`id:${id}`) : await keyOfBody(request.body),
    type: elementType(eventType(body)),
  };
}

/** "message" or "message.channel_join": the inner event says what happened. */
function eventType({ type, event }: LosslessJsonObject): string | null {
  if (!isJsonObject(event)) return scalarText(type);
  return [scalarText(event.type), scalarText(event.subtype)].filter(Boolean).join(".");
}

/** Slack repeats no form by itself; its bytes, with a trigger that is new each time, tell them apart. */
async function formElement(request: SignedRequest): Promise<WebhookElement> {
  const payload = formField(request.body, "payload");
  const interaction = payload === null ? null : jsonObjectOrNull(utf8Bytes(payload));
  const type = interaction ? scalarText(interaction.type) : "slash_command";
  return { dedupeKey: await keyOfBody(request.body), type: elementType(type) };
}
