import { XMLParser, XMLValidator } from "fast-xml-parser";

/** One record that an outbound message tells of. */
export interface Notification {
  id: string;
  /** The record's type, for example "Contact". */
  object: string;
}

/** What the hub reads of a Salesforce outbound message. */
export interface OutboundMessage {
  organizationId: string;
  notifications: Notification[];
}

/** Text stays text and entities stay as they are written: identifiers need neither numbers nor ampersands. */
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  removeNSPrefix: true,
  parseTagValue: false,
  parseAttributeValue: false,
  processEntities: false,
  isArray: (name) => name === "Notification",
});

/**
 * Reads a message. A document type is refused before anything is parsed, so that there are no entities to expand and
 * nothing to fetch.
 *
 * @throws {TypeError} when it is none.
 */
export function readOutboundMessage(body: Uint8Array): OutboundMessage {
  const xml = decoded(body);
  if (/<!\s*(?:DOCTYPE|ENTITY)/i.test(xml)) throw new TypeError("The message has a document type");
  if (XMLValidator.validate(xml) !== true) throw new TypeError("The message is no XML");
  const document: Node = parser.parse(xml);
  if (Object.keys(document).filter((name) => !name.startsWith("?")).length !== 1) {
    throw new TypeError("The message is more than one element");
  }
  const notifications = childOf(childOf(childOf(document, "Envelope"), "Body"), "notifications");
  const items = notifications?.Notification;
  return {
    organizationId: requiredText(notifications?.OrganizationId, "OrganizationId"),
    notifications: (Array.isArray(items) ? items : []).map((item) => ({
      id: requiredText(item?.Id, "Notification/Id"),
      object: requiredText(childOf(item, "sObject")?.["@type"], "sObject/@type").replace(/^.*:/, ""),
    })),
  };
}

type Node = Record<string, unknown>;

function decoded(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch (cause) {
    throw new TypeError("The message is no UTF-8", { cause });
  }
}

function childOf(node: unknown, name: string): Node | undefined {
  const child = isNode(node) ? node[name] : undefined;
  return isNode(child) ? child : undefined;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function requiredText(value: unknown, name: string): string {
  if (typeof value !== "string" || value === "") throw new TypeError(`The message has no ${name}`);
  return value;
}
