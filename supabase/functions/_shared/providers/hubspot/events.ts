import { isJsonObject, type LosslessJson, scalarText } from "../../json/lossless.ts";

/** One piece of news about one contact, as the CRM takes it. */
export interface ContactNews {
  /** `<portal id>:<object id>`. */
  externalId: string;
  kind: "create" | "set" | "restore" | "delete" | "erase";
  /** Our field name; null unless kind is "set". */
  field: string | null;
  /** Null clears the field. */
  value: string | null;
  /** ISO 8601, UTC. */
  occurredAt: string;
}

/** HubSpot property -> column of crm_contacts; every other property keeps its own name. */
const COLUMNS: Record<string, string> = {
  email: "email",
  firstname: "first_name",
  lastname: "last_name",
  phone: "phone",
};

const KINDS: Record<string, ContactNews["kind"]> = {
  "creation": "create",
  "propertyChange": "set",
  "restore": "restore",
  "deletion": "delete",
  "privacyDeletion": "erase",
};

/**
 * What a HubSpot webhook element says about contacts: nothing for other objects and for subscription types that change
 * no contact, several pieces for a merge or a privacy deletion. Classic ("contact.creation") and new
 * ("object.creation" with objectTypeId "0-1") names are read alike.
 *
 * @throws {TypeError} when a contact event lacks its identifiers: it is shown as dead and can be replayed after a fix.
 */
export function contactNews(element: LosslessJson): ContactNews[] {
  if (!isJsonObject(element)) throw new TypeError("A HubSpot event is an object");
  const [object, action] = (scalarText(element.subscriptionType) ?? "").split(".", 2);
  const isContact = object === "contact" ||
    (object === "object" && scalarText(element.objectTypeId) === "0-1");
  if (!isContact || !action) return [];
  const portalId = requiredText(element, "portalId");
  const occurredAt = instantOf(requiredText(element, "occurredAt"));
  const news = (objectId: string, kind: ContactNews["kind"]): ContactNews => ({
    externalId: `${portalId}:${objectId}`,
    kind,
    field: null,
    value: null,
    occurredAt,
  });
  if (action === "merge") return mergedAway(element).map((objectId) => news(objectId, "delete"));
  const kind = KINDS[action];
  if (!kind) return [];
  const objectId = requiredText(element, "objectId");
  if (kind === "erase") return [news(objectId, "erase"), news(objectId, "delete")];
  if (kind !== "set") return [news(objectId, kind)];
  const property = requiredText(element, "propertyName");
  const value = scalarText(element.propertyValue);
  return [{
    ...news(objectId, "set"),
    field: COLUMNS[property] ?? property,
    value: value === "" ? null : value,
  }];
}

/** The contacts that a merge ends: all named ones except the one that lives on. */
function mergedAway(element: Record<string, LosslessJson>): string[] {
  const survivor = scalarText(element.newObjectId) ?? scalarText(element.primaryObjectId);
  const named = [
    element.primaryObjectId,
    ...(Array.isArray(element.mergedObjectIds) ? element.mergedObjectIds : []),
  ];
  const ids = named.map(scalarText).filter((id): id is string => id !== null && id !== survivor);
  return [...new Set(ids)];
}

function requiredText(element: Record<string, LosslessJson>, name: string): string {
  const text = scalarText(element[name]);
  if (text === null || text === "") throw new TypeError(`The HubSpot event has no ${name}`);
  return text;
}

function instantOf(epochMs: string): string {
  const instant = new Date(Number(epochMs));
  if (!/^\d{1,15}$/.test(epochMs) || Number.isNaN(instant.getTime())) {
    throw new TypeError("The HubSpot event has no readable occurredAt");
  }
  return instant.toISOString();
}
