import { InterlockError } from "../errors/interlock_error.ts";
import { parsePlain, type PlainJson } from "../json/plain.ts";
import { isJsonObject, type LosslessJson, type LosslessJsonObject, parseLossless } from "../json/lossless.ts";
import { keyOf } from "./element_keys.ts";
import { elementType, MAX_ELEMENTS, type WebhookElement } from "./webhook_scheme.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * The JSON of a verified body, numbers with their digits.
 *
 * @throws {InterlockError} MALFORMED_BODY when it is no JSON or no UTF-8.
 */
export function parseJsonBody(body: Uint8Array): LosslessJson {
  try {
    return parseLossless(utf8.decode(body));
  } catch (error) {
    throw new InterlockError("MALFORMED_BODY", "The body is not valid JSON in UTF-8.", { cause: error });
  }
}

/**
 * The JSON of a verified body of which nobody looks at a number.
 *
 * @throws {InterlockError} MALFORMED_BODY when it is no JSON or no UTF-8.
 */
export function parsePlainBody(body: Uint8Array): PlainJson {
  try {
    return parsePlain(utf8.decode(body));
  } catch (error) {
    throw new InterlockError("MALFORMED_BODY", "The body is not valid JSON in UTF-8.", { cause: error });
  }
}

/**
 * The JSON object of a verified body.
 *
 * @throws {InterlockError} MALFORMED_BODY when it is something else.
 */
export function parseJsonObject(body: Uint8Array): LosslessJsonObject {
  const value = parseJsonBody(body);
  if (!isJsonObject(value)) throw new InterlockError("MALFORMED_BODY", "The body is not a JSON object.");
  return value;
}

/** Bodies that were read before they were verified, as long as their requests live. */
const readEarly = new WeakMap<Uint8Array, LosslessJsonObject | null>();

/**
 * The JSON object of a body that nobody has verified yet; null when it is none. Every key that is tried looks into it
 * again, so it is parsed once: a stranger's megabyte must not cost four times.
 */
export function jsonObjectOrNull(body: Uint8Array): LosslessJsonObject | null {
  let value = readEarly.get(body);
  if (value === undefined) {
    try {
      value = parseJsonObject(body);
    } catch {
      value = null;
    }
    readEarly.set(body, value);
  }
  return value;
}

/**
 * One element per item of a list.
 *
 * @param identityOf - what stays the same when the provider sends the item again.
 * @throws {InterlockError} MALFORMED_BODY when it is no list, an empty one, or one longer than `most`.
 */
export async function elementsOfList<Item = LosslessJson>(
  list: unknown,
  identityOf: (item: Item, index: number) => string,
  typeOf: (item: Item) => unknown,
  most = MAX_ELEMENTS,
): Promise<WebhookElement[]> {
  if (!Array.isArray(list) || list.length === 0 || list.length > most) {
    throw new InterlockError("MALFORMED_BODY", `The body does not list 1 to ${most} events.`);
  }
  const items: Item[] = list;
  return await Promise.all(items.map(async (item, index) => ({
    dedupeKey: await keyOf(identityOf(item, index)),
    type: elementType(typeOf(item)),
  })));
}

/** Random secret bytes; 32 is what the Standard Webhooks specification asks for at least 24 of. */
export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}
