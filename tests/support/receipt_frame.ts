/** A request as it stands in the head of a frame. */
export interface FramedReceipt {
  place: number;
  webhook_id: string;
  receipt_id: string;
  request_id: string;
  elements: { dedupe_key: string; type: string; index: number }[];
  headers: string;
  body: Uint8Array;
}

/** Takes a frame of `store_webhook_receipts` apart, by its documented form and with no code of the hub's. */
export function readReceiptFrame(frame: Uint8Array): FramedReceipt[] {
  const headBytes = new DataView(frame.buffer, frame.byteOffset).getUint32(0);
  const head = JSON.parse(new TextDecoder().decode(frame.subarray(4, 4 + headBytes)));
  const data = frame.subarray(4 + headBytes);
  return head.receipts.map((receipt: FramedReceipt & Record<string, number>) => {
    const body_at = receipt.data_at! + receipt.headers_bytes!;
    return {
      ...receipt,
      elements: head.elements.filter(({ place }: { place: number }) => place === receipt.place),
      headers: new TextDecoder().decode(data.subarray(receipt.data_at!, body_at)),
      body: data.slice(body_at, body_at + receipt.body_bytes!),
    };
  });
}
