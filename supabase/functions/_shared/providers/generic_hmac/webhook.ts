import { constantTimeEqual } from "../../crypto/constant_time_equal.ts";
import { base64Decode, base64Encode, hexDecode, hexEncode, utf8Bytes } from "../../crypto/encoding.ts";
import { hmac, type HmacKey, hmacKey } from "../../crypto/hmac.ts";
import { randomBytes } from "../json_body.ts";
import { plainElements } from "../plain_elements.ts";
import { jsonSample, withHeaders } from "../sample_request.ts";
import { isTimely } from "../timestamps.ts";
import { defineScheme } from "../webhook_scheme.ts";
import { type GenericHmacSettings, genericHmacSettings } from "./settings.ts";

interface GenericKey {
  hmac: HmacKey;
  settings: GenericHmacSettings;
}

/**
 * `x-signature: sha256=<hex>` over the raw body, as GitHub made it common; base64 and a bare value verify too. Header,
 * hash, encoding, prefix and a timestamp beside the body are settings.
 *
 * Without a timestamp a repetition is recognised by `x-event-id` alone, or without one by the body itself.
 */
export const genericHmac = defineScheme<GenericHmacSettings, GenericKey>({
  provider: "generic_hmac",
  secretFrom: "us",
  settings: genericHmacSettings,
  exampleSettings: {},
  generateSecret: () => hexEncode(randomBytes(32)),
  async importKey(secret, settings) {
    const hash = settings.algorithm === "sha256" ? "SHA-256" : "SHA-512";
    return { hmac: await hmacKey(secretBytes(secret, settings), hash), settings };
  },
  async verify(request, key, nowMs) {
    const { settings } = key;
    const timestamp = settings.timestamp && (request.headers.get(settings.timestamp.header) ?? "");
    const expected = await hmac(key.hmac, ...signedParts(request.body, timestamp, settings));
    const matches = constantTimeEqual(expected, sentSignature(request.headers, expected.length, settings));
    return matches && (settings.timestamp === null || isTimely(timestamp ?? "", nowMs, {
      unit: settings.timestamp.unit,
      windowMs: settings.timestamp.window_seconds * 1000,
    }));
  },
  elements: plainElements,
  async sample(secret, settings, nowMs, url) {
    const key = await this.importKey(secret, settings);
    const id = crypto.randomUUID();
    const sample = jsonSample(url, { type: "sample.sent", id }, { [settings.event_id_header]: id });
    const { timestamp, encoding } = settings;
    const at = timestamp && String(timestamp.unit === "ms" ? nowMs : Math.floor(nowMs / 1000));
    const signature = await hmac(key.hmac, ...signedParts(sample.body, at, settings));
    const encoded = encoding === "base64" ? base64Encode(signature) : hexEncode(signature);
    return withHeaders(sample, {
      [settings.header]: `${settings.prefix ?? `${settings.algorithm}=`}${encoded}`,
      ...(timestamp ? { [timestamp.header]: at! } : {}),
    });
  },
});

function secretBytes(secret: string, { secret_encoding }: GenericHmacSettings): Uint8Array<ArrayBuffer> {
  if (secret_encoding === "text") return utf8Bytes(secret);
  const bytes = secret_encoding === "hex" ? hexDecode(secret) : base64Decode(secret);
  if (bytes === null) throw new TypeError(`The secret is no ${secret_encoding}, as its settings say`);
  return bytes;
}

/** The signed text around the body: what stands before and after it, the timestamp in its place. */
function signedParts(
  body: Uint8Array,
  timestamp: string | null,
  settings: GenericHmacSettings,
): Uint8Array[] {
  if (settings.timestamp === null) return [body];
  const [before, after] = settings.timestamp.signed.split("{body}");
  const filled = (text: string) => utf8Bytes(text.replace("{timestamp}", () => timestamp ?? ""));
  return [filled(before!), body, filled(after!)];
}

function sentSignature(
  headers: Headers,
  length: number,
  { header, prefix, encoding, algorithm }: GenericHmacSettings,
): Uint8Array | null {
  const sent = (headers.get(header) ?? "").trim();
  const start = prefix ?? (sent.toLowerCase().startsWith(`${algorithm}=`) ? `${algorithm}=` : "");
  if (prefix !== null && !sent.startsWith(prefix)) return null;
  const value = sent.slice(start.length);
  const isHex = encoding === "hex" ||
    (encoding === "auto" && value.length === length * 2 && /^[0-9a-f]+$/i.test(value));
  return isHex ? hexDecode(value) : base64Decode(value);
}
