import { InterlockError } from "../errors/interlock_error.ts";
import { type LosslessJson, parseLossless } from "../json/lossless.ts";

/**
 * The JSON of a verified body, numbers with their digits.
 *
 * @throws {InterlockError} MALFORMED_BODY when it is no JSON or no UTF-8.
 */
export function parseJsonBody(body: Uint8Array): LosslessJson {
  try {
    return parseLossless(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    throw new InterlockError("MALFORMED_BODY", "The body is not valid JSON in UTF-8.", { cause: error });
  }
}

/** Random secret bytes; 32 is what the Standard Webhooks specification asks for at least 24 of. */
export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}
