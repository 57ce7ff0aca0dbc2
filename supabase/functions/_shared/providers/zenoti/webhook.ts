import * as z from "zod";
import { constantTimeEqual } from "../../crypto/constant_time_equal.ts";
import { hexDecode, hexEncode, utf8Bytes } from "../../crypto/encoding.ts";
import { type HmacKey, hmacSha256, hmacSha256Key } from "../../crypto/hmac.ts";
import { scalarText } from "../../json/lossless.ts";
import { keyOf, keyOfBody } from "../element_keys.ts";
import { checked } from "../handshakes.ts";
import { parseJsonObject, randomBytes } from "../json_body.ts";
import { jsonSample, withHeaders } from "../sample_request.ts";
import { headerNameSetting } from "../setting_types.ts";
import { defineScheme, elementType } from "../webhook_scheme.ts";

const SIGNATURE_HEADER = "zenoti-webhook-signature";

const settings = () => z.strictObject({ header: headerNameSetting().default(SIGNATURE_HEADER) });

interface ZenotiKey {
  hmac: HmacKey;
  header: string;
}

/**
 * Zenoti documents no more than that a header holds a signature. Seen on real traffic: `sha256 =1A-2B-...`, the
 * HMAC-SHA-256 of the body, bytes in hexadecimal joined by dashes. The header is a setting, should it change.
 *
 * "Test trigger" in its menu posts nothing, unsigned: the address it is given says that it is Zenoti's, so that no other
 * webhook answers such a request.
 */
export const zenoti = defineScheme<z.output<ReturnType<typeof settings>>, ZenotiKey>({
  provider: "zenoti",
  secretFrom: "us",
  settings,
  exampleSettings: {},
  generateSecret: () => hexEncode(randomBytes(32)),
  importKey: async (secret, { header }) => ({ hmac: await hmacSha256Key(utf8Bytes(secret)), header }),
  async verify(request, key) {
    const sent = /^(?:sha256\s*=\s*)?([0-9a-f]{2}(?:-?[0-9a-f]{2}){31})$/i
      .exec((request.headers.get(key.header) ?? "").trim());
    const expected = await hmacSha256(key.hmac, request.body);
    return constantTimeEqual(expected, sent ? hexDecode(sent[1]!.replaceAll("-", "")) : null);
  },
  async elements(request) {
    const { event_id, event_type } = parseJsonObject(request.body);
    const [id, type] = [scalarText(event_id), scalarText(event_type)];
    return [{
      dedupeKey: id ? await keyOf(`id:${id}|${type}`) : await keyOfBody(request.body),
      type: elementType(type),
    }];
  },
  openAnswer: ({ method, url, body }) =>
    method === "POST" && body.length === 0 && new URL(url).searchParams.get("provider") === "zenoti"
      ? checked()
      : null,
  addressFor: (url) => `${url}?provider=zenoti`,
  async sample(secret, { header }, nowMs, url) {
    const [id, eventId] = [crypto.randomUUID(), crypto.randomUUID()];
    const sample = jsonSample(url, {
      ...{ id, event_id: eventId, event_schema: "v1", event_resource: null, event_type: "Sample.Sent" },
      event_timestamp: new Date(nowMs),
      data: {},
    });
    const signature = await hmacSha256(await hmacSha256Key(utf8Bytes(secret)), sample.body);
    const dashed = hexEncode(signature).toUpperCase().match(/../g)!.join("-");
    return withHeaders(sample, { [header]: `sha256 =${dashed}` });
  },
});
