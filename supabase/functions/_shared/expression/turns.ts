/** After this much evaluating others get a turn of the event loop. */
const BREATHE_AFTER_MS = 8;

let lastTurn: Promise<unknown> = Promise.resolve();
let busySinceMs: number | null = null;

/**
 * One expression at a time: each is measured alone, and since an evaluation never leaves the microtask queue, requests
 * on the wire get a turn in between.
 */
export function inTurn<T>(run: () => Promise<T>): Promise<T> {
  const turn = lastTurn.then(async () => {
    busySinceMs ??= performance.now();
    if (performance.now() - busySinceMs > BREATHE_AFTER_MS) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      busySinceMs = performance.now();
    }
    return await run();
  });
  lastTurn = turn.catch(() => {});
  return turn;
}
