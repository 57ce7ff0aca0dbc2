import * as z from "zod";
import { base64Decode } from "../_shared/crypto/encoding.ts";
import { hubStore } from "../_shared/db/store.ts";
import type { ClaimedDispatch } from "./claimed_dispatch.ts";

/** The provider's bytes behind a webhook.received event. */
export interface ReceiptBody {
  tenantId: string;
  provider: string;
  contentType: string | null;
  /** A sample that the hub sent itself: it shows that the way is open and is not to be acted on. */
  isTest: boolean;
  body: Uint8Array;
}

const bodiesSchema = z.record(
  z.string(),
  z.object({
    tenant_id: z.string(),
    provider: z.string(),
    content_type: z.string().nullable(),
    is_test: z.boolean(),
    body: z.string(),
  }),
);

/** Reads the bodies of all receipts of a batch in one call, each once however many elements it brought. */
export async function readReceiptBodies(claimed: ClaimedDispatch[]): Promise<Map<string, ReceiptBody>> {
  const ids = [...new Set(claimed.map((dispatch) => dispatch.receipt_id).filter((id) => id !== null))];
  if (ids.length === 0) return new Map();
  const rows = bodiesSchema.parse(
    await hubStore().call("get_webhook_receipt_bodies", { p_receipt_ids: ids }),
  );
  return new Map(
    Object.entries(rows).map(([id, row]) => [id, {
      tenantId: row.tenant_id,
      provider: row.provider,
      contentType: row.content_type,
      isTest: row.is_test,
      body: base64Decode(row.body) ?? new Uint8Array(),
    }]),
  );
}
