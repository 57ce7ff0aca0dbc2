import assert from "node:assert/strict";
import type { Store } from "../../supabase/functions/_shared/db/store.ts";
import { isInterlockError } from "../../supabase/functions/_shared/errors/interlock_error.ts";
import { FlightDepth } from "../../supabase/functions/_shared/inbound/flight_depth.ts";
import { ReceiptBatcher } from "../../supabase/functions/_shared/inbound/receipt_batcher.ts";
import type { ReceiptToStore } from "../../supabase/functions/_shared/inbound/receipt_frame.ts";
import { type FramedReceipt, readReceiptFrame } from "../support/receipt_frame.ts";

/** A store whose calls end when they are told to. */
function heldStore() {
  const calls: { batch: FramedReceipt[]; end(): void }[] = [];
  const store: Store = {
    parallelCalls: 1,
    call: () => Promise.reject(new Error("Nothing else is called")),
    callWithBytes<T>(_name: string, bytes: Uint8Array): Promise<T> {
      const batch = readReceiptFrame(bytes);
      const { promise, resolve } = Promise.withResolvers<T>();
      calls.push({ batch, end: () => resolve({ stored: batch.map(({ place }) => place), work_ms: 1 } as T) });
      return promise;
    },
    close: () => Promise.resolve(),
  };
  return { store, calls };
}

const receipt = (requestId: string, body = new Uint8Array()): ReceiptToStore => ({
  ...{ webhook_id: "w", version: 1, receipt_id: crypto.randomUUID(), request_id: requestId },
  ...{ content_type: null, headers: "", body, elements: [] },
});

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("ReceiptBatcher: a lone request of one tenant goes with the next batch, whatever another's flood", async () => {
  const { store, calls } = heldStore();
  const batcher = new ReceiptBatcher(store, new FlightDepth(1));
  const flood = Array.from({ length: 900 }, (_, nth) => batcher.add("a", receipt(`a${nth}`)));
  const lone = batcher.add("b", receipt("b0"));
  calls[0]!.end();
  await turn();
  assert.equal(calls[1]!.batch[1]!.request_id, "b0", "second in the next batch");
  for (let nth = 1; nth < calls.length; nth++) {
    calls[nth]!.end();
    await turn();
  }
  assert.equal((await lone).outcome, "stored");
  await Promise.all(flood);
  const order = calls.flatMap(({ batch }) => batch.map((one) => one.request_id)).filter((id) => id !== "b0");
  assert.deepEqual(order, Array.from({ length: 900 }, (_, nth) => `a${nth}`), "each tenant's in their order");
});

Deno.test("ReceiptBatcher: one tenant's flood is refused while others still find room", async () => {
  const { store, calls } = heldStore();
  const batcher = new ReceiptBatcher(store, new FlightDepth(1));
  const taken = Array.from({ length: 1001 }, (_, nth) => batcher.add("a", receipt(`a${nth}`)));
  assert.throws(() => batcher.add("a", receipt("too many")), { code: "UNAVAILABLE", retryAfterMs: 5000 });
  taken.push(batcher.add("b", receipt("b0")));
  for (let nth = 0; nth < calls.length; nth++) {
    calls[nth]!.end();
    await turn();
  }
  assert.equal((await Promise.all(taken)).length, 1002);
});

Deno.test("ReceiptBatcher: a call that hangs holds up what came with it, and nobody else", async () => {
  const { store, calls } = heldStore();
  const batcher = new ReceiptBatcher(store, new FlightDepth(1));
  const hanging = batcher.add("a", receipt("hanging"));
  const next = batcher.add("b", receipt("next"));
  assert.equal(calls.length, 1, "one call at a time");
  await new Promise((resolve) => setTimeout(resolve, 1100));
  assert.deepEqual(calls.map(({ batch }) => batch.map((one) => one.request_id)), [["hanging"], ["next"]]);
  calls[1]!.end();
  assert.equal((await next).outcome, "stored");
  calls[0]!.end();
  assert.equal((await hanging).outcome, "stored");
});

Deno.test("ReceiptBatcher: large bodies find room by their size, a tenant's share of it, and leave it again", async () => {
  const { store, calls } = heldStore();
  const batcher = new ReceiptBatcher(store, new FlightDepth(1));
  const large = new Uint8Array(1024 * 1024);
  const addAll = (tenantId: string, count: number) => {
    const taken: Promise<unknown>[] = [];
    for (let nth = 0; nth < count; nth++) {
      try {
        taken.push(batcher.add(tenantId, receipt(`${tenantId}${nth}`, large)));
      } catch (error) {
        assert.ok(isInterlockError(error) && error.code === "UNAVAILABLE" && error.retryAfterMs === 5000);
      }
    }
    return taken;
  };
  const endAll = async () => {
    for (let nth = 0; nth < calls.length; nth++) {
      calls[nth]!.end();
      await turn();
    }
  };
  const [a, b, c] = [addAll("a", 100), addAll("b", 100), addAll("c", 100)];
  assert.deepEqual([a.length, b.length, c.length], [12, 12, 0]);
  await endAll();
  await Promise.all([...a, ...b]);
  assert.equal(addAll("c", 100).length, 12, "what is stored holds nothing any more");
  await endAll();
});
