import { hexEncode, utf8Bytes } from "../crypto/encoding.ts";
import { sha256 } from "../crypto/hmac.ts";

/** The dedupe key of what a provider tells apart by a text of its own. Two kinds of text never share one prefix. */
export async function keyOf(identity: string): Promise<string> {
  return hexEncode(await sha256(utf8Bytes(identity)));
}

/** The dedupe key of a body that carries no identifier: the same bytes are the same news. */
export async function keyOfBody(body: Uint8Array): Promise<string> {
  return hexEncode(await sha256(utf8Bytes("body:"), body));
}
