interface EdgeRuntimeGlobal {
  EdgeRuntime?: { waitUntil(promise: Promise<unknown>): void };
}

/** Lets work go on after the answer; the platform waits for it within its own limits. */
export function keepAlive(work: Promise<unknown>): void {
  (globalThis as EdgeRuntimeGlobal).EdgeRuntime?.waitUntil(work);
}

/**
 * Tells that this worker is about to go, while there is time to hand over: at 90 % of a limit, or when the platform stops
 * it. What runs on after that may be cut off anywhere.
 */
export function onWorkerEnding(listener: () => void): void {
  globalThis.addEventListener("beforeunload", listener);
}
