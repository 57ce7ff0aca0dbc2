import { utf8Bytes } from "../crypto/encoding.ts";

/** A verified request on its way to the database. */
export interface ReceiptToStore {
  webhook_id: string;
  /** Of the webhook, as its verifier was read. */
  version: number;
  receipt_id: string;
  request_id: string;
  content_type: string | null;
  /** JSON text {name: value}, credentials masked. */
  headers: string;
  body: Uint8Array;
  elements: { dedupe_key: string; type: string; index: number }[];
}

/** What `store_webhook_receipts` answers; the places are those of the receipts in the frame. */
export interface StoredFrame {
  stored: number[];
  /** The receipt that brought the same first; null where there were no elements. */
  duplicates?: Record<string, string | null>;
  /** What the database worked on it, in milliseconds, without the commit. */
  work_ms: number;
}

const LENGTH_BYTES = 4;

/**
 * Requests as `store_webhook_receipts` takes them: the length of a head (4 bytes, big-endian), the head as JSON, then
 * headers and body of every request, one behind the other. Nothing is escaped or encoded, so no byte of one request can
 * break another, and Postgres cuts the pieces out as they are.
 */
export function receiptFrame(receipts: ReceiptToStore[]): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array[] = [];
  const elements: object[] = [];
  let dataBytes = 0;
  const described = receipts.map(({ headers, body, elements: own, ...receipt }, place) => {
    const headerBytes = utf8Bytes(headers);
    const data_at = dataBytes;
    pieces.push(headerBytes, body);
    dataBytes += headerBytes.length + body.length;
    for (const element of own) elements.push({ place, ...element });
    return {
      place,
      ...receipt,
      data_at,
      headers_bytes: headerBytes.length,
      body_bytes: body.length,
      element_count: own.length,
    };
  });
  const head = utf8Bytes(JSON.stringify({ receipts: described, elements }));
  const frame = new Uint8Array(LENGTH_BYTES + head.length + dataBytes);
  new DataView(frame.buffer).setUint32(0, head.length);
  let at = LENGTH_BYTES;
  for (const piece of [head, ...pieces]) {
    frame.set(piece, at);
    at += piece.length;
  }
  return frame;
}
