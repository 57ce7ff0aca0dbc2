import type { FaultPoint } from "../../supabase/functions/_shared/fault_point.ts";
import { eventually } from "../support/stack.ts";
import type { ChaosStack } from "./chaos_stack.ts";
import type { Strike } from "./fault_control.ts";
import type { Leg } from "./leg.ts";
import { letTimePass } from "./let_time_pass.ts";

/** A frozen worker, and another one beside it. */
export interface TakeOver {
  frozen: Strike;
  /** Lets the frozen one go on, and ends the other one. */
  stop(): Promise<void>;
}

/**
 * Freezes the leg's worker at a point with everything it has claimed, and lets its lease run out until another worker has
 * taken over.
 */
export async function freezeAndTakeOver(
  chaos: ChaosStack,
  leg: Leg,
  point: FaultPoint,
  takenOver: () => Promise<boolean>,
): Promise<TakeOver> {
  const striking = chaos.control.arm({ point, pass: 1, act: "freeze" });
  await Promise.all([0, 1, 2, 3].map((producer) => leg.produce(producer)));
  const frozen = await striking;
  const other = chaos.stack.startBeside(leg.drainer);
  const stop = async () => {
    frozen.release();
    await other.stop();
  };
  try {
    const port = await other.port;
    await eventually(async () => {
      await letTimePass(chaos.sql, leg.queue, frozen.atMs);
      await chaos.wake(leg.drainer, port);
      return await takenOver();
    });
    return { frozen, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Resolves once a worker has gone on to a point, counted from now. */
export function reaches(chaos: ChaosStack, point: FaultPoint, pid: number): Promise<boolean> {
  const from = chaos.control.passes.length;
  return eventually(() =>
    Promise.resolve(chaos.control.passes.slice(from).some((pass) => pass.point === point && pass.pid === pid))
  );
}

/**
 * Has two workers drain what `produce` puts in. Each waits with its first claim in hand until the other has one as well,
 * so they do work at the same time. Answers how many claims each of them made.
 */
export async function drainByTwo(
  chaos: ChaosStack,
  leg: Leg,
  point: FaultPoint,
  produce: () => Promise<unknown>,
): Promise<number[]> {
  const hold = () => chaos.control.arm({ point, pass: 1, act: "hold" });
  const holds = [hold(), hold()];
  const from = chaos.control.passes.length;
  const producing = produce();
  const first = await holds[0]!;
  const other = chaos.stack.startBeside(leg.drainer);
  try {
    const port = await other.port;
    await chaos.wake(leg.drainer, port);
    const second = await holds[1]!;
    await producing;
    first.release();
    second.release();
    await eventually(async () => {
      await Promise.all([chaos.wake(leg.drainer), chaos.wake(leg.drainer, port)]);
      return await leg.open() === 0;
    }, 30_000);
    const claims = chaos.control.passes.slice(from).filter((pass) => pass.point === point);
    return [first, second].map(({ pid }) => claims.filter((pass) => pass.pid === pid).length);
  } finally {
    chaos.control.disarm();
    await other.stop();
  }
}

/** The lines of the log that a function wrote with this message. */
export async function logLines(chaos: ChaosStack, functionName: string, message: string): Promise<string[]> {
  const log = await Deno.readTextFile(chaos.stack.logFile);
  return log.split("\n").filter((line) =>
    line.includes(` ${functionName} `) && line.includes(` ${message} `)
  );
}
