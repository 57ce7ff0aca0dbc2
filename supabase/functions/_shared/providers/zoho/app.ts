import { hexEncode, utf8Bytes } from "../../crypto/encoding.ts";
import { hmacSha256, hmacSha256Key } from "../../crypto/hmac.ts";
import { environment } from "../../env.ts";
import { scalarText } from "../../json/lossless.ts";
import { jsonObjectOrNull, parseJsonObject } from "../json_body.ts";
import { mentions } from "../marks.ts";
import type { WebhookApp } from "../webhook_app.ts";
import type { SignedRequest } from "../webhook_scheme.ts";
import { zoho, zohoSample } from "./webhook.ts";

/**
 * Watches of many organizations of Zoho. Nothing in a notification names the organization, so the account is the watch's
 * channel, whose id the hub has chosen. Each channel has a token of its own, made of the secret: with one token for all,
 * a customer who learns it from a watch of theirs could speak for the others.
 */
export const zohoApp: WebhookApp = {
  scheme: zoho,
  secrets: () => environment().INTERLOCK_ZOHO_CHANNEL_SECRET,
  keyFor: async (secret, request) => await zoho.importKey(await channelToken(secret, channelOf(request)), {}),
  async shares(request) {
    const accountId = scalarText(parseJsonObject(request.body).channel_id);
    return [{ accountId, body: request.body, elements: await zoho.elements(request, {}) }];
  },
  sample: async (secret, accountId, nowMs, url) =>
    zohoSample(await channelToken(secret, accountId), accountId, nowMs, url),
};

/** The token to watch a channel with: 48 of the 50 characters that Zoho takes. */
export async function channelToken(secret: string, channelId: string): Promise<string> {
  const key = await hmacSha256Key(utf8Bytes(secret));
  return hexEncode(await hmacSha256(key, utf8Bytes(`zoho:${channelId}`))).slice(0, 48);
}

function channelOf(request: SignedRequest): string {
  const body = mentions(request.body, '"channel_id"') ? jsonObjectOrNull(request.body) : null;
  return body && scalarText(body.channel_id) || "";
}
