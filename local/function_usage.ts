import type { FunctionWorker } from "./function_worker.ts";
import type { WorkerLimits } from "./worker_limits.ts";

/** What a worker uses, or that a function has none. */
export type FunctionUsage =
  | { function: string; state: "not running"; workers_started: number }
  | {
    function: string;
    state: "running" | "retired";
    workers_started: number;
    pid: number;
    memory_mb: number;
    cpu_ms: number;
    age_ms: number;
    requests: number;
    open_requests: number;
  };

/** What one worker uses. */
export function usageOf(worker: FunctionWorker, workersStarted: number): FunctionUsage {
  return {
    function: worker.name,
    state: worker.retired ? "retired" : "running",
    workers_started: workersStarted,
    pid: worker.pid,
    memory_mb: worker.usage.memoryMb,
    cpu_ms: worker.usage.cpuMs,
    age_ms: Math.round(worker.ageMs),
    requests: worker.requests,
    open_requests: worker.inFlight,
  };
}

/** The limits in one line, as the summary and the table show them. */
export function limitsLine(limits: WorkerLimits): string {
  const seconds = (durationMs: number) => `${durationMs / 1000} s`;
  return [
    `memory ${limits.memoryMb} MB`,
    `CPU since boot ${seconds(limits.cpuSoftMs)} retires, ${seconds(limits.cpuHardMs)} kills`,
    `a worker lives ${seconds(limits.wallClockMs)}`,
    `answer within ${seconds(limits.answerTimeoutMs)}`,
  ].join("; ");
}

const COLUMNS = [
  "function",
  "state",
  "memory",
  "CPU",
  "age",
  "requests",
  "open",
  "started",
  "pid",
] as const;

/** The usage of all functions as a table for people. */
export function usageTable(usage: FunctionUsage[], limits: WorkerLimits): string {
  const rows = usage.map((row) =>
    row.state === "not running"
      ? [row.function, row.state, "", "", "", "", "", `${row.workers_started}`, ""]
      : [
        row.function,
        row.state,
        `${row.memory_mb} MB`,
        `${row.cpu_ms} ms`,
        `${Math.round(row.age_ms / 1000)} s`,
        `${row.requests}`,
        `${row.open_requests}`,
        `${row.workers_started}`,
        `${row.pid}`,
      ]
  );
  const table = [[...COLUMNS], ...rows];
  const widths = COLUMNS.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd()
  );
  return `${lines.join("\n")}\n\n${limitsLine(limits)}\n`;
}
