import * as z from "zod";
import { hexEncode, utf8Bytes } from "../../crypto/encoding.ts";
import { constantTimeEqual } from "../../crypto/constant_time_equal.ts";
import { keyOf } from "../element_keys.ts";
import { checked } from "../handshakes.ts";
import { randomBytes } from "../json_body.ts";
import { textSetting } from "../setting_types.ts";
import { showsToken, type TokenKey, tokenKey } from "../shared_token.ts";
import { defineScheme, elementType } from "../webhook_scheme.ts";

/** `channel_id`: the only channel that is listened to; null = any that shows the token. */
const settings = () => z.strictObject({ channel_id: textSetting(64).nullable().default(null) });

interface ChannelKey extends TokenKey {
  channelId: string | null;
}

/**
 * Push channels of Google Drive and Calendar (developers.google.com/workspace/drive/api/guides/push): no signature and
 * no body; the token given with the channel comes back in a header. `sync` tells that the channel stands.
 */
export const googleChannel = defineScheme<z.output<ReturnType<typeof settings>>, ChannelKey>({
  provider: "google_channel",
  secretFrom: "us",
  settings,
  exampleSettings: { channel_id: "01234567-89ab-cdef-0123456789ab" },
  generateSecret: () => hexEncode(randomBytes(32)),
  importKey: async (secret, { channel_id }) => ({ ...await tokenKey(secret, 256), channelId: channel_id }),
  async verify({ headers, body }, key) {
    const channelId = headers.get("x-goog-channel-id") ?? "";
    const isChannel = key.channelId === null ||
      constantTimeEqual(utf8Bytes(key.channelId), utf8Bytes(channelId));
    return await showsToken(key, headers.get("x-goog-channel-token"), body) && isChannel;
  },
  handshake: ({ method, headers }) =>
    method === "POST" && headers.get("x-goog-resource-state") === "sync" ? checked() : null,
  async elements({ headers }) {
    const names = ["x-goog-channel-id", "x-goog-resource-id", "x-goog-message-number"];
    return [{
      dedupeKey: await keyOf(`google:${names.map((name) => headers.get(name)).join("|")}`),
      type: elementType(headers.get("x-goog-resource-state")),
    }];
  },
  sample: (secret, { channel_id }, _, url) =>
    Promise.resolve({
      method: "POST",
      url,
      headers: {
        "x-goog-channel-id": channel_id ?? "sample",
        "x-goog-channel-token": secret,
        "x-goog-resource-id": "sample",
        "x-goog-resource-uri": "https://www.googleapis.com/drive/v3/changes",
        "x-goog-resource-state": "change",
        "x-goog-message-number": String(crypto.getRandomValues(new Uint32Array(1))[0]),
      },
      body: new Uint8Array(),
    }),
});
