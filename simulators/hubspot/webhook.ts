import { createHmac } from "node:crypto";

/** One HubSpot webhook event, as HubSpot sends it. */
export interface HubspotEvent {
  eventId: number;
  subscriptionId: number;
  portalId: number;
  appId: number;
  occurredAt: number;
  subscriptionType: string;
  attemptNumber: number;
  objectId: number;
  propertyName?: string;
  propertyValue?: string;
  changeSource: string;
}

let nextEventId = 1;

/** An event with HubSpot's usual fields; name what matters. */
export function hubspotEvent(
  event: Partial<HubspotEvent> & { subscriptionType: string; objectId: number },
): HubspotEvent {
  return {
    eventId: nextEventId++,
    subscriptionId: 12345,
    portalId: 62515,
    appId: 54321,
    occurredAt: Date.now(),
    attemptNumber: 0,
    changeSource: "CRM_UI",
    ...event,
  };
}

/** Headers of signature v3, made with Node's own crypto: the hub's verification shares no code with this. */
export function hubspotHeaders(
  request: { url: string; body: string; secret: string; atMs?: number },
): Record<string, string> {
  const timestamp = String(request.atMs ?? Date.now());
  const signature = createHmac("sha256", request.secret).update(
    `POST${request.url}${request.body}${timestamp}`,
  ).digest("base64");
  return {
    "content-type": "application/json",
    "x-hubspot-request-timestamp": timestamp,
    "x-hubspot-signature-v3": signature,
  };
}

/** Posts events to a webhook, signed. */
export function sendHubspotEvents(
  target: { url: string; secret: string },
  events: HubspotEvent[],
): Promise<Response> {
  const body = JSON.stringify(events);
  return fetch(target.url, { method: "POST", headers: hubspotHeaders({ ...target, body }), body });
}
