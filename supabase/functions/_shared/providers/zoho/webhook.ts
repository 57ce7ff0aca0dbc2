import { hexEncode } from "../../crypto/encoding.ts";
import { type LosslessJsonObject, scalarText } from "../../json/lossless.ts";
import { keyOfBody } from "../element_keys.ts";
import { elementsOfList, jsonObjectOrNull, parseJsonObject, randomBytes } from "../json_body.ts";
import { jsonSample } from "../sample_request.ts";
import { mentions } from "../marks.ts";
import { noSettings } from "../setting_types.ts";
import { showsToken, type TokenKey, tokenKey, withoutToken } from "../shared_token.ts";
import { defineScheme, elementType, type SampleRequest } from "../webhook_scheme.ts";

/** What Zoho takes as the token of a watch. */
const MAX_TOKEN_LENGTH = 50;

/**
 * Zoho CRM notifications (zoho.com/crm/developer/docs/api/v8/notifications): no signature; the token given with the
 * watch comes back in the body. They name records and what happened to them, and carry no values.
 */
export const zoho = defineScheme<Record<string, never>, TokenKey>({
  provider: "zoho",
  secretFrom: "us",
  settings: noSettings,
  exampleSettings: {},
  generateSecret: () => hexEncode(randomBytes(24)),
  importKey: (secret) => tokenKey(secret, MAX_TOKEN_LENGTH),
  async verify(request, key) {
    const body = mentions(request.body, '"channel_id"') ? jsonObjectOrNull(request.body) : null;
    return await showsToken(key, body && scalarText(body.token), request.body);
  },
  async elements(request) {
    const body = parseJsonObject(request.body);
    const type = [scalarText(body.module), scalarText(body.operation)].filter(Boolean).join(".");
    if (!Array.isArray(body.ids)) {
      return [{ dedupeKey: await keyOfBody(request.body), type: elementType(type) }];
    }
    const news = newsText(body);
    return await elementsOfList(body.ids, (id) => `${news}|${scalarText(id)}`, () => type);
  },
  withoutSecret: withoutToken,
  sample: (secret, _, nowMs, url) => Promise.resolve(zohoSample(secret, "1", nowMs, url)),
});

/** A request with one record of a channel. */
export function zohoSample(token: string, channelId: string, nowMs: number, url: string): SampleRequest {
  return jsonSample(url, {
    server_time: nowMs,
    query_params: {},
    module: "Sample",
    resource_uri: "https://www.zohoapis.com/crm/v8/Sample",
    ids: [String(crypto.getRandomValues(new Uint32Array(1))[0])],
    operation: "sent",
    channel_id: channelId,
    token,
  });
}

/** Zoho gives a notification no id: it is what happened, where and when. */
function newsText(body: LosslessJsonObject): string {
  const parts = ["channel_id", "module", "operation", "server_time"].map((name) => scalarText(body[name]));
  return `zoho:${parts.join("|")}`;
}
