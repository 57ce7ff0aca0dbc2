import * as z from "zod";
import { hexEncode } from "../../crypto/encoding.ts";
import { scalarText } from "../../json/lossless.ts";
import { jsonObjectOrNull, randomBytes } from "../json_body.ts";
import { plainElements } from "../plain_elements.ts";
import { jsonSample, withHeaders } from "../sample_request.ts";
import { headerNameSetting, wordSetting } from "../setting_types.ts";
import {
  onlyQueryValue,
  showsToken,
  type TokenKey,
  tokenKey,
  withoutToken,
  withQueryValue,
} from "../shared_token.ts";
import { defineScheme, type SignedRequest } from "../webhook_scheme.ts";

const settings = () =>
  z.strictObject({
    place: z.enum(["header", "query", "body"]).default("header"),
    name: wordSetting().default("x-webhook-token"),
    event_id_header: headerNameSetting().default("x-event-id"),
    event_type_header: headerNameSetting().default("x-event-type"),
  });

type Settings = z.output<ReturnType<typeof settings>>;

interface PlacedKey extends TokenKey {
  settings: Settings;
}

/**
 * For senders that sign nothing but show a secret: in a header (GitLab's `X-Gitlab-Token`, Telegram's), in a field of the
 * JSON body, or in the address.
 */
export const token = defineScheme<Settings, PlacedKey>({
  provider: "token",
  secretFrom: "us",
  settings,
  exampleSettings: {},
  generateSecret: () => hexEncode(randomBytes(32)),
  importKey: async (secret, settings) => ({ ...await tokenKey(secret), settings }),
  verify: (request, key) => showsToken(key, shownToken(request, key.settings), request.body),
  elements: plainElements,
  withoutSecret: (body, key) => key.settings.place === "body" ? withoutToken(body, key) : body,
  addressFor: (url, secret, { place, name }) => place === "query" ? withQueryValue(url, name, secret) : url,
  sample(secret, { place, name, event_id_header }, _, url) {
    const id = crypto.randomUUID();
    const address = place === "query" ? withQueryValue(url, name, secret) : url;
    const content = { type: "sample.sent", id, ...(place === "body" ? { [name]: secret } : {}) };
    const sample = jsonSample(address, content, { [event_id_header]: id });
    return Promise.resolve(place === "header" ? withHeaders(sample, { [name]: secret }) : sample);
  },
});

function shownToken(request: SignedRequest, { place, name }: Settings): string | null {
  if (place === "header") return request.headers.get(name);
  if (place === "query") return onlyQueryValue(request.url, name);
  return scalarText(jsonObjectOrNull(request.body)?.[name]);
}
