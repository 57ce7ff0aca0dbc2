import { constantTimeEqual } from "../../crypto/constant_time_equal.ts";
import { base64Encode, hexDecode, hexEncode, utf8Bytes } from "../../crypto/encoding.ts";
import { type HmacKey, hmacSha256, hmacSha256Key } from "../../crypto/hmac.ts";
import { scalarText } from "../../json/lossless.ts";
import { keyOf, keyOfBody } from "../element_keys.ts";
import { parseJsonObject, randomBytes } from "../json_body.ts";
import { jsonSample, withHeaders } from "../sample_request.ts";
import { noSettings } from "../setting_types.ts";
import { epochSeconds, isTimely } from "../timestamps.ts";
import { defineScheme, elementType } from "../webhook_scheme.ts";

/**
 * Stripe (docs.stripe.com/webhooks, "Verify manually"): `t=<seconds>,v1=<hex>[,v1=<hex>]`, HMAC-SHA-256 of
 * `timestamp.body`. The key is the whole secret as text, `whsec_` included. While a secret is rolled there are several v1.
 */
export const stripe = defineScheme<Record<string, never>, HmacKey>({
  provider: "stripe",
  secretFrom: "them",
  settings: noSettings,
  exampleSettings: {},
  generateSecret: () => `whsec_${base64Encode(randomBytes(24))}`,
  importKey: (secret) => hmacSha256Key(utf8Bytes(secret)),
  async verify(request, key, nowMs) {
    const { timestamp, signatures } = readHeader(request.headers.get("stripe-signature") ?? "");
    const expected = await hmacSha256(key, utf8Bytes(`${timestamp}.`), request.body);
    let matches = false;
    for (const signature of signatures) {
      matches = constantTimeEqual(expected, hexDecode(signature)) || matches;
    }
    return matches && isTimely(timestamp, nowMs);
  },
  async elements(request) {
    const { id, type } = parseJsonObject(request.body);
    const identity = scalarText(id);
    const dedupeKey = identity ? await keyOf(`id:${identity}`) : await keyOfBody(request.body);
    return [{ dedupeKey, type: elementType(type) }];
  },
  async sample(secret, _, nowMs, url) {
    const timestamp = epochSeconds(nowMs);
    const sample = jsonSample(url, {
      id: `evt_${crypto.randomUUID().replaceAll("-", "")}`,
      object: "event",
      created: Number(timestamp),
      livemode: false,
      type: "sample.sent",
      data: { object: {} },
    });
    const key = await hmacSha256Key(utf8Bytes(secret));
    const signature = await hmacSha256(key, utf8Bytes(`${timestamp}.`), sample.body);
    return withHeaders(sample, { "stripe-signature": `t=${timestamp},v1=${hexEncode(signature)}` });
  },
});

/**
 * Timestamp and v1 signatures, other versions left out; no signature at all when there are several timestamps, as in two
 * headers at once, or when one of the signatures is none.
 */
function readHeader(header: string): { timestamp: string; signatures: string[] } {
  const parts = header.split(",").slice(0, 40).map((part) => part.trim());
  const valuesOf = (name: string) =>
    parts.filter((part) => part.startsWith(`${name}=`)).map((part) => part.slice(name.length + 1));
  const [timestamps, signatures] = [valuesOf("t"), valuesOf("v1")];
  const isPlain = timestamps.length === 1 && signatures.every((one) => /^[0-9a-f]{64}$/i.test(one));
  return { timestamp: timestamps[0] ?? "", signatures: isPlain ? signatures : [] };
}
