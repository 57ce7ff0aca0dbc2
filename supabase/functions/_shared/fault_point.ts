/** Steps between which a worker may be lost; the chaos rig kills, freezes or slows a process at each of them. */
export const FAULT_POINTS = [
  "receive.verified",
  "receive.stored",
  "dispatch.claimed",
  "dispatch.handled",
  "dispatch.finished",
  "deliver.claimed",
  "deliver.sent",
  "deliver.finished",
] as const;

/** A step by name. */
export type FaultPoint = typeof FAULT_POINTS[number];

interface FaultHook {
  interlockFaultHook?: (point: FaultPoint) => Promise<void> | void;
}

/**
 * Marks a step. Nothing happens unless the process that hosts the function has set a hook, which no deployed one does;
 * `await` costs one microtask then.
 */
export function faultPoint(point: FaultPoint): Promise<void> | void {
  return (globalThis as FaultHook).interlockFaultHook?.(point);
}
