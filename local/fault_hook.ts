import type { FaultPoint } from "../supabase/functions/_shared/fault_point.ts";

/**
 * Names the rig in a worker's environment. Set by a stack that was started with a rig alone: the worker inherits nothing
 * of this name from the machine.
 */
export const FAULT_CONTROL_VARIABLE = "FAULT_CONTROL_URL";

/**
 * Makes this process report every fault point it reaches to a rig and wait there for its answer. The rig ends, freezes
 * or delays the process meanwhile: a signal from outside spares nothing, which no code in here could promise.
 */
export function installFaultHook(controlUrl: string): void {
  const interlockFaultHook = async (point: FaultPoint) => {
    const answer = await fetch(`${controlUrl}/${point}?pid=${Deno.pid}`, { method: "POST" });
    await answer.body?.cancel();
  };
  Object.assign(globalThis, { interlockFaultHook });
}
