import * as z from "zod";
import { hexEncode, utf8Bytes } from "../../crypto/encoding.ts";
import { type HmacKey, hmacSha256, hmacSha256Key } from "../../crypto/hmac.ts";
import { isJsonObject, scalarText } from "../../json/lossless.ts";
import { keyOf, keyOfBody } from "../element_keys.ts";
import { parseJsonObject, randomBytes } from "../json_body.ts";
import { textSetting } from "../setting_types.ts";
import { defineScheme, elementType } from "../webhook_scheme.ts";

/** `audience`: null = the address of the webhook, as Pub/Sub itself defaults to. */
const settings = () =>
  z.strictObject({
    service_account_email: z.email().max(200),
    audience: textSetting(500).nullable().default(null),
  });

type Settings = z.output<ReturnType<typeof settings>>;

interface PushKey {
  settings: Settings;
  hmac: HmacKey;
}

/**
 * Google Pub/Sub push with authentication (cloud.google.com/pubsub/docs/authenticate-push-subscriptions): a token signed
 * by Google says which service account pushes and to whom. Gmail's notifications come this way.
 */
export const googlePubsub = defineScheme<Settings, PushKey>({
  provider: "google_pubsub",
  secretFrom: "nobody",
  settings,
  exampleSettings: { service_account_email: "push@example.iam.gserviceaccount.com" },
  generateSecret: () => hexEncode(randomBytes(32)),
  importKey: async (secret, settings) => ({ settings, hmac: await hmacSha256Key(utf8Bytes(secret)) }),
  async verify(request, key, nowMs) {
    // Takes as long as a signature where there is no token: what does not exist answers no slower.
    await hmacSha256(key.hmac, request.body);
    const [, token] = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(request.headers.get("authorization") ?? "") ??
      [];
    if (!token) return false;
    const { audience, service_account_email } = key.settings;
    // The library and Google's keys are loaded with the first token that comes.
    const { isPushToken } = await import("./push_token.ts");
    const expected = {
      audience: audience ?? request.url.replace(/\?.*$/, ""),
      serviceAccountEmail: service_account_email,
    };
    return await isPushToken(token, expected, nowMs);
  },
  async elements(request) {
    const { message, subscription } = parseJsonObject(request.body);
    const id = isJsonObject(message) ? scalarText(message.messageId) ?? scalarText(message.message_id) : null;
    const attributes = isJsonObject(message) && isJsonObject(message.attributes) ? message.attributes : {};
    return [{
      dedupeKey: id ? await keyOf(`id:${scalarText(subscription)}|${id}`) : await keyOfBody(request.body),
      type: elementType(scalarText(attributes.eventType) ?? scalarText(attributes.type) ?? "message"),
    }];
  },
  sample: () => null,
});
