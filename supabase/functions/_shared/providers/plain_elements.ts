import { hexEncode, utf8Bytes } from "../crypto/encoding.ts";
import { sha256 } from "../crypto/hmac.ts";
import type { PlainJson } from "../json/plain.ts";
import { keyOfBody } from "./element_keys.ts";
import { elementsOfList, parsePlainBody } from "./json_body.ts";
import { elementType, type SignedRequest, type WebhookElement } from "./webhook_scheme.ts";

/** Which headers of a request say which event it is and of what type. */
export interface EventHeaders {
  event_id_header: string;
  event_type_header: string;
}

/**
 * The elements of a request that follows no provider's form: told apart by a header, or without one by the body itself.
 * An array is one element per item. What is no JSON is one element, when its content type says so.
 *
 * @throws {InterlockError} MALFORMED_BODY.
 */
export async function plainElements(
  request: SignedRequest,
  { event_id_header, event_type_header }: EventHeaders,
): Promise<WebhookElement[]> {
  const identity = request.headers.get(event_id_header);
  const requestKey = identity
    ? hexEncode(await sha256(utf8Bytes(`id:${identity}`)))
    : await keyOfBody(request.body);
  const named = request.headers.get(event_type_header);
  if (!isJson(request)) return [{ dedupeKey: requestKey, type: elementType(named) }];
  const body = parsePlainBody(request.body);
  const typeOf = (item: PlainJson) => {
    const isObject = typeof item === "object" && item !== null && !Array.isArray(item);
    return named ?? (isObject ? item.type ?? item.event : null);
  };
  if (!Array.isArray(body)) return [{ dedupeKey: requestKey, type: elementType(typeOf(body)) }];
  return await elementsOfList(body, (_, index) => `${requestKey}:${index}`, typeOf);
}

function isJson(request: SignedRequest): boolean {
  return /^application\/(?:[\w.-]+\+)?json\b/i.test(
    request.headers.get("content-type") ?? "application/json",
  );
}
