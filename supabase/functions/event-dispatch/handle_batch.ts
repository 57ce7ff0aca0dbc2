import { hubStore } from "../_shared/db/store.ts";
import { StoreDataError } from "../_shared/db/store_data_error.ts";
import { InterlockError, isInterlockError } from "../_shared/errors/interlock_error.ts";
import { faultPoint } from "../_shared/fault_point.ts";
import { errorFields, type Logger } from "../_shared/log.ts";
import { backoffDelayMs } from "../_shared/retry/backoff.ts";
import type { ClaimedDispatch } from "./claimed_dispatch.ts";
import { consumers } from "./consumers/registry.ts";
import { readReceiptBodies, type ReceiptBody } from "./receipt_bodies.ts";

/** Consumers that work at the same time. Each does a few short database calls. */
const CONCURRENCY = 8;

/** What is reported about one dispatch; shape of finish_event_dispatches. */
interface DispatchResult {
  dispatch_id: number;
  lease_token: string;
  outcome: "done" | "retry" | "dead";
  error_code: string | null;
  error: string | null;
  retry_in_ms: number | null;
  [key: string]: string | number | null;
}

/** Hands claimed dispatches to their consumers and reports all results in one call. */
export async function handleBatch(claimed: ClaimedDispatch[], log: Logger): Promise<void> {
  const bodies = await readReceiptBodies(claimed);
  const results: DispatchResult[] = [];
  const queue = [...claimed];
  const work = async () => {
    for (let dispatch = queue.shift(); dispatch; dispatch = queue.shift()) {
      results.push(await handle(dispatch, bodies, log));
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, claimed.length) }, work));
  await faultPoint("dispatch.handled");
  const changed = await hubStore().call<number>("finish_event_dispatches", { p_results: results });
  if (changed < results.length) {
    log.warn("results came after the lease and changed nothing", { count: results.length - changed });
  }
  await faultPoint("dispatch.finished");
}

async function handle(
  dispatch: ClaimedDispatch,
  bodies: Map<string, ReceiptBody>,
  log: Logger,
): Promise<DispatchResult> {
  const { event } = dispatch;
  const dispatchLog = log.with({
    tenant_id: event.tenant_id,
    request_id: event.metadata.trace_id,
    dispatch_id: dispatch.dispatch_id,
    event_type: event.event_type,
    consumer: dispatch.consumer,
    attempt: dispatch.attempt,
  });
  const base = { dispatch_id: dispatch.dispatch_id, lease_token: dispatch.lease_token };
  try {
    const consumer = consumers.get(dispatch.consumer);
    if (!consumer) throw new InterlockError("INTERNAL", `There is no consumer "${dispatch.consumer}".`);
    const body = dispatch.receipt_id === null ? null : bodies.get(dispatch.receipt_id) ?? null;
    if (!body?.isTest) await consumer({ event, dedupeKey: dispatch.dedupe_key, receipt: body });
    dispatchLog.info(body?.isTest ? "a test, nobody acts on it" : "dispatched");
    return { ...base, outcome: "done", error_code: null, error: null, retry_in_ms: null };
  } catch (error) {
    const code = isInterlockError(error) ? error.code : "INTERNAL";
    const hopeless = isHopeless(error);
    const outcome = hopeless ? "dead" : "retry";
    dispatchLog.warn("dispatch failed", { code, reason: outcome, ...errorFields(error) });
    return {
      ...base,
      outcome,
      error_code: hopeless ? "VALIDATION_FAILED" : code,
      error: sentence(error),
      retry_in_ms: hopeless ? null : backoffDelayMs(dispatch.attempt, { baseMs: 2000, maxMs: 15 * 60_000 }),
    };
  }
}

/**
 * What a consumer cannot read, or the database cannot hold, will be the same next time: a person decides after a fix.
 * A missing parent or a duplicate (23503, 23505) may be gone by then.
 */
function isHopeless(error: unknown): boolean {
  if (error instanceof StoreDataError) return !["23503", "23505"].includes(error.sqlState);
  return error instanceof TypeError || (isInterlockError(error) && error.code === "VALIDATION_FAILED");
}

/** The failure in words that a person may read: without NUL, which no column of text takes. */
function sentence(error: unknown): string {
  if (error instanceof StoreDataError) {
    return "The database refused a value of this event; the log says which.";
  }
  const message = error instanceof Error ? error.message : "The consumer failed";
  return message.replaceAll("\u0000", "").slice(0, 500);
}
