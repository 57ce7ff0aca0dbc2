import type { Store } from "../db/store.ts";
import { StoreDataError } from "../db/store_data_error.ts";
import { InterlockError } from "../errors/interlock_error.ts";
import { FlightDepth } from "./flight_depth.ts";
import { receiptFrame, type ReceiptToStore, type StoredFrame } from "./receipt_frame.ts";
import { WaitingRoom } from "./waiting_room.ts";

/** What became of it. "stale" = the webhook changed since its verifier was read: verify again. */
export interface StoredReceipt {
  outcome: "stored" | "duplicate" | "stale";
  receipt_id: string | null;
}

interface Waiting {
  receipt: ReceiptToStore;
  resolve(stored: StoredReceipt): void;
  reject(error: unknown): void;
}

const MAX_BATCH = 200;
const MAX_BATCH_BYTES = 8 * 1024 * 1024;
const MAX_WAITING = 2000;
/** So that one tenant's flood leaves room for the others'. */
const MAX_WAITING_OF_TENANT = 1000;
/** A call that takes longer hangs, and keeps nobody waiting any more. */
const LATE_AFTER_MS = 1000;
/** Most calls at once, hanging ones included. */
const MAX_IN_FLIGHT = 8;

/**
 * Stores requests that arrive together in one call: while a call is in flight the next batch collects. There is no
 * timer, so a lone request never waits. How many calls fly at once follows the measured time of a call. Tenants take
 * turns within a batch: whoever sends one request waits no longer because another sends a thousand.
 */
export class ReceiptBatcher {
  /** By tenant; whose turn is next stands first. */
  #waiting = new Map<string, Waiting[]>();
  #waitingCount = 0;
  #inFlight = 0;
  #late = 0;
  #room = new WaitingRoom();

  constructor(private readonly store: Store, private readonly depth: FlightDepth) {}

  /**
   * Resolves once the receipt is committed (or known to be a duplicate).
   *
   * @throws {InterlockError} UNAVAILABLE when it could not be stored, VALIDATION_FAILED when its data was refused.
   */
  add(tenantId: string, receipt: ReceiptToStore): Promise<StoredReceipt> {
    const queue = this.#waiting.get(tenantId) ?? [];
    const isFull = this.#waitingCount >= MAX_WAITING || queue.length >= MAX_WAITING_OF_TENANT;
    const leave = isFull ? null : this.#room.enter(tenantId, receipt);
    if (leave === null) {
      throw new InterlockError("UNAVAILABLE", "Too many requests are waiting to be stored.", {
        retryAfterMs: 5000,
      });
    }
    return new Promise<StoredReceipt>((resolve, reject) => {
      queue.push({ receipt, resolve, reject });
      this.#waiting.set(tenantId, queue);
      this.#waitingCount++;
      this.#fly();
    }).finally(leave);
  }

  #fly(): void {
    while (this.#waitingCount > 0 && this.#hasRoom()) {
      this.#inFlight++;
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        this.#late++;
        this.#fly();
      }, LATE_AFTER_MS);
      void this.#flush(this.#takeBatch()).finally(() => {
        clearTimeout(timer);
        if (isLate) this.#late--;
        this.#inFlight--;
        this.#fly();
      });
    }
  }

  #hasRoom(): boolean {
    return this.#inFlight < MAX_IN_FLIGHT && this.#inFlight - this.#late < this.depth.current;
  }

  #takeBatch(): Waiting[] {
    const batch: Waiting[] = [];
    let bodyBytes = 0;
    while (this.#waitingCount > 0 && batch.length < MAX_BATCH) {
      const [tenantId, queue] = this.#waiting.entries().next().value!;
      bodyBytes += queue[0]!.receipt.body.length;
      if (batch.length > 0 && bodyBytes > MAX_BATCH_BYTES) break;
      batch.push(queue.shift()!);
      this.#waitingCount--;
      this.#waiting.delete(tenantId);
      if (queue.length > 0) this.#waiting.set(tenantId, queue);
    }
    return batch;
  }

  async #flush(batch: Waiting[]): Promise<void> {
    const started = performance.now();
    try {
      const answer = await this.store.callWithBytes<StoredFrame>(
        "store_webhook_receipts",
        receiptFrame(batch.map((waiting) => waiting.receipt)),
      );
      this.depth.observe(performance.now() - started, answer.work_ms);
      const stored = new Set(answer.stored);
      batch.forEach(({ receipt, resolve }, place) => resolve(outcomeOf(receipt, place, stored, answer)));
    } catch (error) {
      await this.#settleFailure(batch, error);
    }
  }

  /** Bad data of one sender must not cost the others: they are stored one by one, and only the culprit hears of it. */
  async #settleFailure(batch: Waiting[], error: unknown): Promise<void> {
    if (!(error instanceof StoreDataError)) {
      for (const waiting of batch) waiting.reject(error);
    } else if (batch.length === 1) {
      batch[0]!.reject(
        new InterlockError("VALIDATION_FAILED", "The request could not be stored as it is.", {
          cause: error,
        }),
      );
    } else {
      for (const waiting of batch) await this.#flush([waiting]);
    }
  }
}

function outcomeOf(
  { receipt_id }: ReceiptToStore,
  place: number,
  stored: Set<number>,
  { duplicates }: StoredFrame,
): StoredReceipt {
  if (stored.has(place)) return { outcome: "stored", receipt_id };
  const first = duplicates?.[place];
  return first === undefined
    ? { outcome: "stale", receipt_id: null }
    : { outcome: "duplicate", receipt_id: first };
}
