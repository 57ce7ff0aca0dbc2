import { readProcessUsage } from "../../local/process_usage.ts";
import type { FunctionUsage } from "../../local/function_usage.ts";

const EVERY_MS = 50;

/** What the workers of one function have used together. */
export interface WorkersUsage {
  workers: number;
  cpuMs: number;
  /** The largest of any of them. */
  peakMemoryMb: number;
  /** The most that any of them used in its life. */
  maxWorkerCpuMs: number;
}

/** Watches the workers of a function while it works: they come and go, so each is asked again and again. */
export function watchWorkers(apiUrl: string, functionName: string): { stop(): Promise<WorkersUsage> } {
  const seen = new Map<number, { cpuMs: number; memoryMb: number }>();
  let isOver = false;
  const look = async () => {
    const response = await fetch(`${apiUrl}/_internal/functions`, {
      headers: { accept: "application/json" },
    });
    const { functions } = await response.json() as { functions: FunctionUsage[] };
    for (const row of functions) {
      if (row.function === functionName && row.state !== "not running" && !seen.has(row.pid)) {
        seen.set(row.pid, { cpuMs: 0, memoryMb: 0 });
      }
    }
    for (const [pid, usage] of seen) {
      const now = readProcessUsage(pid);
      if (now === null) continue;
      usage.cpuMs = Math.max(usage.cpuMs, now.cpuMs);
      usage.memoryMb = Math.max(usage.memoryMb, now.memoryMb);
    }
  };
  const watching = (async () => {
    while (!isOver) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  })();
  return {
    async stop() {
      isOver = true;
      await watching;
      await look();
      const all = [...seen.values()];
      return {
        workers: all.length,
        cpuMs: all.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
        peakMemoryMb: Math.max(0, ...all.map(({ memoryMb }) => memoryMb)),
        maxWorkerCpuMs: Math.max(0, ...all.map(({ cpuMs }) => cpuMs)),
      };
    },
  };
}
