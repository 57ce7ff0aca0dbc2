import * as z from "zod";
import { base64Decode, base64Encode, hexEncode, utf8Bytes } from "../../crypto/encoding.ts";
import { randomBytes } from "../json_body.ts";
import { plainElements } from "../plain_elements.ts";
import { jsonSample, withHeaders } from "../sample_request.ts";
import { headerNameSetting } from "../setting_types.ts";
import { showsToken, type TokenKey, tokenKey } from "../shared_token.ts";
import { defineScheme } from "../webhook_scheme.ts";

const settings = () =>
  z.strictObject({
    event_id_header: headerNameSetting().default("x-event-id"),
    event_type_header: headerNameSetting().default("x-event-type"),
  });

/** HTTP basic authentication (RFC 7617). The secret reads `user:password`. */
export const basicAuth = defineScheme<z.output<ReturnType<typeof settings>>, TokenKey>({
  provider: "basic_auth",
  secretFrom: "us",
  settings,
  exampleSettings: {},
  generateSecret: () => `webhook:${hexEncode(randomBytes(24))}`,
  importKey(secret) {
    if (!/^[^:]+:.{8,}$/.test(secret)) {
      throw new TypeError("It reads user:password, with a password of at least 8 characters");
    }
    return tokenKey(secret);
  },
  async verify(request, key) {
    const [, sent] = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(request.headers.get("authorization") ?? "") ?? [];
    const bytes = sent ? base64Decode(sent) : null;
    return await showsToken(key, bytes && new TextDecoder().decode(bytes), request.body);
  },
  elements: plainElements,
  sample(secret, { event_id_header }, _, url) {
    const id = crypto.randomUUID();
    const sample = jsonSample(url, { type: "sample.sent", id }, { [event_id_header]: id });
    const credentials = `Basic ${base64Encode(utf8Bytes(secret))}`;
    return Promise.resolve(withHeaders(sample, { authorization: credentials }));
  },
});
