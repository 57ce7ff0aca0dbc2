import type { ReceiptToStore } from "./receipt_frame.ts";

/** Bytes besides those of headers and body: per element a key, a type, and what JSON puts around them. */
const ELEMENT_BYTES = 250;
const MAX_BYTES = 24 * 1024 * 1024;
/** So that one tenant's large bodies leave room for the others'. */
const MAX_BYTES_OF_TENANT = 12 * 1024 * 1024;

/**
 * How much of what waits to be stored, or is being stored, a worker holds: counting requests alone, two thousand of a
 * mebibyte would be ten times its memory while the database stands still.
 */
export class WaitingRoom {
  #bytes = 0;
  #ofTenant = new Map<string, number>();

  /** Lets a receipt in and answers how to let it out again; null when there is no room. */
  enter(tenantId: string, receipt: ReceiptToStore): (() => void) | null {
    const { headers, body, elements } = receipt;
    const bytes = headers.length + body.length + elements.length * ELEMENT_BYTES;
    const ofTenant = (this.#ofTenant.get(tenantId) ?? 0) + bytes;
    if (this.#bytes + bytes > MAX_BYTES || ofTenant > MAX_BYTES_OF_TENANT) return null;
    this.#bytes += bytes;
    this.#ofTenant.set(tenantId, ofTenant);
    return () => this.#leave(tenantId, bytes);
  }

  #leave(tenantId: string, bytes: number): void {
    this.#bytes -= bytes;
    const left = this.#ofTenant.get(tenantId)! - bytes;
    if (left === 0) this.#ofTenant.delete(tenantId);
    else this.#ofTenant.set(tenantId, left);
  }
}
