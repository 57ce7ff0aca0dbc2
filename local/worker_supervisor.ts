import { readProcessUsage } from "./process_usage.ts";
import type { FunctionWorker } from "./function_worker.ts";
import { WARNING_SHARE, type WorkerLimits } from "./worker_limits.ts";

/** What is measured of a worker; also what `beforeunload` tells it. */
export type Measure = "cpu" | "memory" | "wall_clock";

/** A limit that a worker reached. */
export interface Breach {
  /** Name of the limit, as in WorkerLimits. */
  limit: keyof WorkerLimits;
  /** What was measured and what is allowed, with their unit. */
  measured: string;
  allowed: string;
}

/** What happens to a worker that comes near its limits. */
export interface SupervisorEvents {
  /** It must get no new requests. */
  onRetire(breach: Breach): void;
  /** It must go at once. */
  onKill(breach: Breach): void;
}

const POLL_MS = 50;

/** Compares what a worker uses with its limits until it ends: retire, warn by `beforeunload`, kill. */
export function superviseWorker(
  worker: FunctionWorker,
  limits: WorkerLimits,
  events: SupervisorEvents,
): void {
  const warned = new Set<Measure>();
  let retired = false;
  const check = () => {
    worker.usage = readProcessUsage(worker.pid) ?? worker.usage;
    for (const rule of rulesOf(worker, limits)) {
      if (rule.value >= rule.kill.at) {
        clearInterval(timer);
        return events.onKill(breachOf(rule, rule.kill));
      }
      if (rule.value >= rule.kill.at * WARNING_SHARE && !warned.has(rule.measure)) {
        warned.add(rule.measure);
        worker.announceEnd(rule.measure);
      }
      if (!retired && rule.retire && rule.value >= rule.retire.at) {
        retired = true;
        events.onRetire(breachOf(rule, rule.retire));
      }
    }
  };
  const timer = setInterval(check, POLL_MS);
  Deno.unrefTimer(timer);
  void worker.ended.then(() => clearInterval(timer));
}

interface Threshold {
  at: number;
  limit: keyof WorkerLimits;
}

interface Rule {
  measure: Measure;
  unit: string;
  value: number;
  retire?: Threshold;
  kill: Threshold;
}

function rulesOf(worker: FunctionWorker, limits: WorkerLimits): Rule[] {
  const { cpuMs, memoryMb } = worker.usage;
  return [
    {
      measure: "cpu",
      unit: "ms",
      value: cpuMs,
      retire: { at: limits.cpuSoftMs, limit: "cpuSoftMs" },
      kill: { at: limits.cpuHardMs, limit: "cpuHardMs" },
    },
    {
      measure: "memory",
      unit: "MB",
      value: memoryMb,
      retire: { at: limits.memoryMb / 2, limit: "memoryMb" },
      kill: { at: limits.memoryMb, limit: "memoryMb" },
    },
    {
      measure: "wall_clock",
      unit: "ms",
      value: Math.round(worker.ageMs),
      retire: { at: limits.wallClockMs / 2, limit: "wallClockMs" },
      kill: { at: limits.wallClockMs, limit: "wallClockMs" },
    },
  ];
}

function breachOf(rule: Rule, threshold: Threshold): Breach {
  return {
    limit: threshold.limit,
    measured: `${rule.value} ${rule.unit}`,
    allowed: `${threshold.at} ${rule.unit}`,
  };
}
