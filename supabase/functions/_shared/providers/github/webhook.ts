import { constantTimeEqual } from "../../crypto/constant_time_equal.ts";
import { hexDecode, hexEncode, utf8Bytes } from "../../crypto/encoding.ts";
import { type HmacKey, hmacSha256, hmacSha256Key } from "../../crypto/hmac.ts";
import { scalarText } from "../../json/lossless.ts";
import { keyOf, keyOfBody } from "../element_keys.ts";
import { formField, isForm } from "../form_body.ts";
import { jsonObjectOrNull, parseJsonObject, randomBytes } from "../json_body.ts";
import { jsonSample, withHeaders } from "../sample_request.ts";
import { noSettings } from "../setting_types.ts";
import { defineScheme, elementType, type SignedRequest } from "../webhook_scheme.ts";

/**
 * GitHub (docs.github.com, "Validating webhook deliveries"): `X-Hub-Signature-256: sha256=<hex>` over the raw body, of a
 * form the form. No timestamp; a delivery that is sent again keeps its `X-GitHub-Delivery`.
 */
export const github = defineScheme<Record<string, never>, HmacKey>({
  provider: "github",
  secretFrom: "us",
  settings: noSettings,
  exampleSettings: {},
  generateSecret: () => hexEncode(randomBytes(32)),
  importKey: (secret) => hmacSha256Key(utf8Bytes(secret)),
  async verify(request, key) {
    const [, sent] = /^sha256=([0-9a-f]{64})$/i.exec(request.headers.get("x-hub-signature-256") ?? "") ?? [];
    return constantTimeEqual(await hmacSha256(key, request.body), sent ? hexDecode(sent) : null);
  },
  async elements(request) {
    const action = scalarText(bodyOf(request).action);
    const event = request.headers.get("x-github-event");
    const delivery = request.headers.get("x-github-delivery");
    return [{
      dedupeKey: delivery ? await keyOf(`id:${delivery}`) : await keyOfBody(request.body),
      type: elementType([event, action].filter(Boolean).join(".")),
    }];
  },
  async sample(secret, _, nowMs, url) {
    const delivery = crypto.randomUUID();
    const sample = jsonSample(url, { zen: "Sample.", hook_id: 1, sent_at: new Date(nowMs) });
    const signature = await hmacSha256(await hmacSha256Key(utf8Bytes(secret)), sample.body);
    return withHeaders(sample, {
      "x-github-event": "ping",
      "x-github-delivery": delivery,
      "x-hub-signature-256": `sha256=${hexEncode(signature)}`,
    });
  },
});

function bodyOf(request: SignedRequest) {
  if (!isForm(request)) return parseJsonObject(request.body);
  return jsonObjectOrNull(utf8Bytes(formField(request.body, "payload") ?? "")) ?? {};
}
