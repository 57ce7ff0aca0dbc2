import assert from "node:assert/strict";
import { utf8Bytes } from "../../supabase/functions/_shared/crypto/encoding.ts";
import { salesforce } from "../../supabase/functions/_shared/providers/salesforce/webhook.ts";
import { readOutboundMessage } from "../../supabase/functions/_shared/providers/salesforce/outbound_message.ts";

/** The message of Salesforce's documentation in shape, with as many notifications as wanted. */
function message(notifications: string, organization = "00D000000000001EAA", before = ""): string {
  return `<?xml version="1.0" encoding="UTF-8"?>${before}
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound">
  <OrganizationId>${organization}</OrganizationId><ActionId>04k000000000001AAA</ActionId><SessionId xsi:nil="true"/>
  <EnterpriseUrl>https://acme.my.salesforce.com/services/Soap/c/67.0/00D000000000001</EnterpriseUrl>
  ${notifications}
 </notifications></soapenv:Body></soapenv:Envelope>`;
}

function notification(id: string, object = "Contact", name = "Jo &amp; Co"): string {
  return `<Notification><Id>${id}</Id><sObject xsi:type="sf:${object}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
   <sf:Id>003000000000001AAA</sf:Id><sf:Name>${name}</sf:Name></sObject></Notification>`;
}

const read = (xml: string) => readOutboundMessage(utf8Bytes(xml));
const elementsOf = (xml: string) =>
  salesforce.elements(
    { method: "POST", url: "https://hub.example/1?token=t", headers: new Headers(), body: utf8Bytes(xml) },
    salesforce.settings().parse(salesforce.exampleSettings),
  );

Deno.test("a message is an element per notification, told apart by its Id", async () => {
  const hundred = Array.from({ length: 100 }, (_, index) => notification(`04l${index}`)).join("\n");
  const elements = await elementsOf(message(hundred));
  assert.equal(elements.length, 100);
  assert.equal(new Set(elements.map(({ dedupeKey }) => dedupeKey)).size, 100);
  const mixed = notification("04l1") + notification("04l2", "Design_Registration__c");
  const [one, two] = await elementsOf(message(mixed));
  assert.deepEqual([one!.type, two!.type], ["Contact", "Design_Registration__c"]);
  const [again] = await elementsOf(message(notification("04l1", "Contact", "changed")));
  assert.equal(again!.dedupeKey, one!.dedupeKey);
});

Deno.test("identifiers are text: no digit, zero or sign of one is lost", () => {
  const { organizationId, notifications } = read(message(notification("0000001e5"), "00D00000000000100"));
  assert.deepEqual([organizationId, notifications[0]!.id], ["00D00000000000100", "0000001e5"]);
});

/** Ten times ten times ... of the same: ten billion characters, if anybody expanded it. */
const BOMB = `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">${
  [..."abcdefghi"].map((name, index) => `<!ENTITY ${"bcdefghij"[index]} "${`&${name};`.repeat(10)}">`).join(
    "",
  )
}]>`;

for (
  const [what, xml] of Object.entries({
    "entities that grow": message(notification("&j;"), undefined, BOMB),
    "an entity of a file": message(
      notification("&file;"),
      undefined,
      '<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/passwd">]>',
    ),
    "a document type elsewhere": message(
      notification("04l1"),
      undefined,
      '<!doctype x SYSTEM "http://127.0.0.1/x">',
    ),
    "a parameter entity": message(
      notification("04l1"),
      undefined,
      '<!ENTITY % x SYSTEM "http://127.0.0.1/x">',
    ),
    "no notification": message(""),
    "a notification without an Id": message(`<Notification><sObject xsi:type="sf:Contact"/></Notification>`),
    "a notification without a type": message(`<Notification><Id>1</Id><sObject/></Notification>`),
    "too many notifications": message(notification("04l1").repeat(1001)),
    "an organization twice": message(
      `<OrganizationId>00D000000000002</OrganizationId>${notification("04l1")}`,
    ),
    "an end that is missing": message(notification("04l1")).slice(0, -20),
    "crossed elements": "<a><b></a></b>",
    "a field that is closed by another": message(notification("04l1").replace("</sf:Name>", "</sf:Nam>")),
    "something after its end": `${message(notification("04l1"))}<a/>`,
    "elements in elements, 100,000 deep": "<a>".repeat(100_000) + "</a>".repeat(100_000),
    "another envelope": "<Envelope><Body/></Envelope>",
    "JSON": "{}",
    "nothing": "",
    "no UTF-8": "\ufffe<a/>",
  })
) {
  Deno.test(`a message with ${what} is refused, and quickly`, async () => {
    await assert.rejects(elementsOf(xml), { code: "MALFORMED_BODY" });
  });
}

Deno.test("bytes that are no UTF-8 are no message, whatever encoding they declare", () => {
  const utf16 = new Uint8Array([0xff, 0xfe, 0x3c, 0x00, 0x61, 0x00, 0x2f, 0x00, 0x3e, 0x00]);
  for (const bytes of [utf16, Uint8Array.of(0xc0, 0x80), Uint8Array.of(0x3c, 0x61, 0xff, 0x2f, 0x3e)]) {
    assert.throws(() => readOutboundMessage(bytes), TypeError);
  }
});

Deno.test("no XML is looked at before the token is right", async () => {
  const key = await salesforce.importKey("salesforce-token", { organization_id: "00D000000000001" });
  const decode = TextDecoder.prototype.decode;
  let decoded = 0;
  TextDecoder.prototype.decode = function (...args) {
    decoded++;
    return decode.apply(this, args);
  };
  const verifies = (token: string, xml: string) =>
    salesforce.verify(
      { method: "POST", url: `https://hub.example/1?${token}`, headers: new Headers(), body: utf8Bytes(xml) },
      key,
      0,
    );
  try {
    for (const token of ["token=guess", "", "token=salesforce-token&token=salesforce-token"]) {
      assert.equal(await verifies(token, message(notification("04l1"))), false);
    }
    assert.equal(decoded, 0);
    assert.equal(await verifies("token=salesforce-token", message(notification("04l1"))), true);
    assert.equal(decoded, 1);
    assert.equal(await verifies("token=salesforce-token", "<a/>"), false);
  } finally {
    TextDecoder.prototype.decode = decode;
  }
});
