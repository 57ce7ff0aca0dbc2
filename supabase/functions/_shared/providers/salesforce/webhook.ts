import * as z from "zod";
import { hexEncode, utf8Bytes } from "../../crypto/encoding.ts";
import { InterlockError } from "../../errors/interlock_error.ts";
import { keyOf } from "../element_keys.ts";
import { randomBytes } from "../json_body.ts";
import { onlyQueryValue, showsToken, type TokenKey, tokenKey, withQueryValue } from "../shared_token.ts";
import { defineScheme, elementType, MAX_ELEMENTS, type SignedRequest } from "../webhook_scheme.ts";
import type { OutboundMessage } from "./outbound_message.ts";

const settings = () =>
  z.strictObject({
    organization_id: z.string().regex(/^00D[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?$/, "is no organization id"),
  });

interface SalesforceKey extends TokenKey {
  organizationId: string;
}

const ACKNOWLEDGED = `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>
<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>
</soapenv:Body></soapenv:Envelope>`;

/**
 * Salesforce outbound messages (developer.salesforce.com, "Outbound Messaging"): SOAP without a signature. The address
 * carries a token; the message must also name the right organization. Up to 100 notifications, each an element, and an
 * answer in XML, without which Salesforce sends again for a day.
 */
export const salesforce = defineScheme<z.output<ReturnType<typeof settings>>, SalesforceKey>({
  provider: "salesforce",
  secretFrom: "us",
  settings,
  exampleSettings: { organization_id: "00D000000000001" },
  generateSecret: () => hexEncode(randomBytes(32)),
  importKey: async (secret, { organization_id }) => ({
    ...await tokenKey(secret),
    organizationId: organization_id,
  }),
  async verify(request, key) {
    if (!await showsToken(key, onlyQueryValue(request.url, "token"), request.body)) return false;
    // Only who knows the token gets as far as the XML.
    const message = await readMessage(request).catch(() => null);
    // The last three of 18 characters only check the first 15.
    return message?.organizationId.slice(0, 15) === key.organizationId.slice(0, 15);
  },
  async elements(request) {
    const message = await readMessage(request).catch((cause) => {
      throw new InterlockError("MALFORMED_BODY", "The body is not a Salesforce outbound message.", { cause });
    });
    const { notifications } = message;
    if (notifications.length === 0 || notifications.length > MAX_ELEMENTS) {
      throw new InterlockError(
        "MALFORMED_BODY",
        `The message does not hold 1 to ${MAX_ELEMENTS} notifications.`,
      );
    }
    return await Promise.all(notifications.map(async ({ id, object }) => ({
      dedupeKey: await keyOf(`id:${id}`),
      type: elementType(object),
    })));
  },
  acknowledgement: () =>
    new Response(ACKNOWLEDGED, { headers: { "content-type": "text/xml; charset=utf-8" } }),
  addressFor: (url, secret) => withQueryValue(url, "token", secret),
  sample: (secret, { organization_id }, _, url) =>
    Promise.resolve({
      method: "POST",
      url: withQueryValue(url, "token", secret),
      headers: { "content-type": "text/xml; charset=utf-8", "soapaction": '""' },
      body: utf8Bytes(sampleMessage(organization_id, crypto.randomUUID())),
    }),
});

/** The parser is heavy, and loaded with the first message that comes. */
async function readMessage(request: SignedRequest): Promise<OutboundMessage> {
  const { readOutboundMessage } = await import("./outbound_message.ts");
  return readOutboundMessage(request.body);
}

function sampleMessage(organizationId: string, notificationId: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>${organizationId}</OrganizationId>
<ActionId>04k000000000001</ActionId><SessionId xsi:nil="true"/><Notification><Id>${notificationId}</Id>
<sObject xsi:type="sf:Sample" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>000000000000001</sf:Id></sObject>
</Notification></notifications></soapenv:Body></soapenv:Envelope>`;
}
