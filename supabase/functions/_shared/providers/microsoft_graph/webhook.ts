import { hexEncode } from "../../crypto/encoding.ts";
import { isJsonObject, type LosslessJson, scalarText, stringifyLossless } from "../../json/lossless.ts";
import { echo } from "../handshakes.ts";
import { elementsOfList, jsonObjectOrNull, parseJsonObject, randomBytes } from "../json_body.ts";
import { jsonSample } from "../sample_request.ts";
import { mentions } from "../marks.ts";
import { noSettings } from "../setting_types.ts";
import { onlyQueryValue, showsToken, type TokenKey, tokenKey, withoutToken } from "../shared_token.ts";
import { defineScheme } from "../webhook_scheme.ts";

/** What Graph takes as the clientState of a subscription. */
const MAX_CLIENT_STATE_LENGTH = 128;

/**
 * Change notifications of Microsoft Graph (learn.microsoft.com/graph/change-notifications-delivery-webhooks): no
 * signature; each notification carries the clientState given with the subscription. Subscribing sends a word that must
 * come back within ten seconds, before there is any secret: every address answers it alike.
 */
export const microsoftGraph = defineScheme<Record<string, never>, TokenKey>({
  provider: "microsoft_graph",
  secretFrom: "us",
  settings: noSettings,
  exampleSettings: {},
  generateSecret: () => hexEncode(randomBytes(32)),
  importKey: (secret) => tokenKey(secret, MAX_CLIENT_STATE_LENGTH),
  async verify(request, key) {
    const body = mentions(request.body, '"clientState"') ? jsonObjectOrNull(request.body) : null;
    return await showsToken(key, commonState(body?.value), request.body);
  },
  openAnswer: ({ method, url, body }) =>
    method === "POST" && body.length === 0 ? echo(onlyQueryValue(url, "validationToken")) : null,
  elements: async (request) =>
    await elementsOfList(
      parseJsonObject(request.body).value,
      identityText,
      (item) => isJsonObject(item) ? item.changeType ?? item.lifecycleEvent : null,
    ),
  withoutSecret: withoutToken,
  sample: (secret, _, nowMs, url) =>
    Promise.resolve(jsonSample(url, {
      value: [{
        id: crypto.randomUUID(),
        subscriptionId: crypto.randomUUID(),
        subscriptionExpirationDateTime: new Date(nowMs + 60_000),
        clientState: secret,
        changeType: "sample",
        resource: "sample",
      }],
    })),
});

/** The clientState that all notifications of a request carry; null when one carries another, or none. */
function commonState(notifications: LosslessJson | undefined): string | null {
  if (!Array.isArray(notifications)) return null;
  const states = new Set(
    notifications.map((item) => isJsonObject(item) ? scalarText(item.clientState) : null),
  );
  return states.size === 1 ? [...states][0]! : null;
}

/** By its id, where Graph gives one; else all that it says but the secret. */
function identityText(notification: LosslessJson): string {
  if (!isJsonObject(notification)) return `element:${stringifyLossless(notification)}`;
  const { clientState: _, ...rest } = notification;
  return rest.id === undefined ? `element:${stringifyLossless(rest)}` : `id:${scalarText(rest.id)}`;
}
