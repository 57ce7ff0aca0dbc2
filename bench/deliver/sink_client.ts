import { startListener } from "../measure/processes.ts";

/** What the sink counted since it was reset. */
export interface SinkStats {
  /** Requests. */
  count: number;
  /** Different ids. */
  unique: number;
  /** Requests whose id had come before. */
  dup: number;
  /** Most requests that waited for their answer at the same time. */
  maxInflight: number;
}

/** A running sink. */
export interface Sink {
  url: string;
  /** Forgets everything; answers come `delayMs` after the request from now on. */
  reset(delayMs: number): Promise<void>;
  stats(): Promise<SinkStats>;
  /** Resolves when so many different ids came, or the time is over. */
  untilArrived(count: number, timeoutMs: number): Promise<void>;
  /** When each id came first, in milliseconds since 1970. */
  arrivals(): Promise<Record<string, number>>;
  stop(): Promise<void>;
}

const POLL_MS = 10;

/** Starts the sink; `port` where it must be a certain one. */
export async function startSink(port = 0): Promise<Sink> {
  const listener = await startListener(["bench/deliver/sink.ts", String(port)], {});
  const url = `http://127.0.0.1:${listener.port}`;
  const stats = async (): Promise<SinkStats> => await (await fetch(`${url}/stats`)).json();
  return {
    url,
    stats,
    untilArrived: async (count, timeoutMs) => {
      const deadlineMs = performance.now() + timeoutMs;
      while ((await stats()).unique < count && performance.now() < deadlineMs) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
    reset: async (delayMs) => {
      await (await fetch(`${url}/reset?delay=${delayMs}`)).text();
    },
    arrivals: async () => await (await fetch(`${url}/arrivals`)).json(),
    stop: listener.stop,
  };
}
