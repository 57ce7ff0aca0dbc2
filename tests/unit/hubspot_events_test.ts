import assert from "node:assert/strict";
import { parseLossless } from "../../supabase/functions/_shared/json/lossless.ts";
import { contactNews } from "../../supabase/functions/_shared/providers/hubspot/events.ts";

const base = { portalId: 62515, objectId: 123, occurredAt: 1564113600000, eventId: 1, attemptNumber: 0 };
const newsOf = (event: Record<string, unknown>) =>
  contactNews(parseLossless(JSON.stringify({ ...base, ...event })));

Deno.test("contactNews() reads a property change with the provider's names turned into ours", () => {
  assert.deepEqual(
    newsOf({ subscriptionType: "contact.propertyChange", propertyName: "firstname", propertyValue: "Ada" }),
    [{
      externalId: "62515:123",
      kind: "set",
      field: "first_name",
      value: "Ada",
      occurredAt: "2019-07-26T04:00:00.000Z",
    }],
  );
});

Deno.test("contactNews() keeps the digits of identifiers beyond 2^53 and clears on an empty value", () => {
  const [news] = contactNews(parseLossless(
    '{"portalId":1,"objectId":90071992547409931,"occurredAt":5,"subscriptionType":"object.propertyChange","objectTypeId":"0-1","propertyName":"fax","propertyValue":""}',
  ));
  assert.equal(news!.externalId, "1:90071992547409931");
  assert.deepEqual([news!.field, news!.value], ["fax", null]);
});

for (
  const [subscriptionType, kinds] of [
    ["contact.creation", ["create"]],
    ["contact.restore", ["restore"]],
    ["contact.deletion", ["delete"]],
    ["contact.privacyDeletion", ["erase", "delete"]],
    ["contact.associationChange", []],
    ["deal.creation", []],
    ["nonsense", []],
  ] as const
) {
  Deno.test(`contactNews() reads ${subscriptionType} as [${kinds}]`, () => {
    assert.deepEqual(newsOf({ subscriptionType }).map((news) => news.kind), kinds);
  });
}

Deno.test("contactNews() ends every contact of a merge but the one that lives on", () => {
  const merge = {
    subscriptionType: "contact.merge",
    primaryObjectId: 1,
    mergedObjectIds: [2, 3],
    newObjectId: 3,
  };
  assert.deepEqual(newsOf(merge).map((news) => [news.kind, news.externalId]), [["delete", "62515:1"], [
    "delete",
    "62515:2",
  ]]);
});

for (const missing of ["portalId", "objectId", "occurredAt"]) {
  Deno.test(`contactNews() throws TypeError without ${missing}`, () => {
    assert.throws(() => newsOf({ subscriptionType: "contact.creation", [missing]: undefined }), TypeError);
  });
}
