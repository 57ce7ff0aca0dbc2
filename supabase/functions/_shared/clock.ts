/** The time of day and how to wait, so that tests can bring their own. */
export interface Clock {
  /** Milliseconds since the epoch, UTC. */
  nowMs(): number;
  sleep(durationMs: number): Promise<void>;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  sleep: (durationMs) => new Promise((resolve) => setTimeout(resolve, durationMs)),
};
