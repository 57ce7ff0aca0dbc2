import { utf8Bytes } from "../../crypto/encoding.ts";
import { environment } from "../../env.ts";
import { itemTexts } from "../../json/item_texts.ts";
import { isJsonObject, type LosslessJson, scalarText } from "../../json/lossless.ts";
import { parseJsonBody } from "../json_body.ts";
import { type AccountShare, rememberedKeys, type WebhookApp } from "../webhook_app.ts";
import { hubspot, hubspotSample } from "./webhook.ts";

/**
 * A public app of HubSpot. Each event names its portal, and HubSpot puts those of several portals into one request.
 */
export const hubspotApp: WebhookApp = {
  scheme: hubspot,
  secrets: () => environment().INTERLOCK_HUBSPOT_CLIENT_SECRET,
  keyFor: rememberedKeys(hubspot),
  async shares(request) {
    const elements = await hubspot.elements(request, {});
    const portals = (parseJsonBody(request.body) as LosslessJson[]).map(portalOf);
    const indexesOf = Map.groupBy(portals.keys(), (index) => portals[index]!);
    const shareOf = ([accountId, indexes]: [string | null, number[]], body: AccountShare["body"]) => ({
      accountId,
      body,
      elements: indexes.map((index) => elements[index]!),
    });
    if (indexesOf.size === 1) return [...indexesOf].map((entry) => shareOf(entry, request.body));
    const texts = itemTexts(new TextDecoder().decode(request.body));
    return [...indexesOf].map((entry) =>
      shareOf(entry, utf8Bytes(`[${entry[1].map((index) => texts[index]!).join(",")}]`))
    );
  },
  sample: (secret, accountId, nowMs, url) =>
    hubspotSample(secret, /^[1-9]\d{0,14}$/.test(accountId) ? Number(accountId) : accountId, nowMs, url),
};

function portalOf(event: LosslessJson): string | null {
  return isJsonObject(event) ? scalarText(event.portalId) : null;
}
