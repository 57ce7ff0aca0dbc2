import { parseArgs } from "node:util";

/** What every bench can be told. */
export interface BenchOptions {
  /** Measures as little as possible, to see that it works, and keeps nothing. */
  quick: boolean;
  /** How often everything is measured. */
  repetitions: number;
  /** A prepared folder of other queues and receivers to run beside ours; null = none. */
  peers: string | null;
}

/**
 * Reads `--quick`, `--repetitions N` and `--peers FOLDER`.
 *
 * @throws {TypeError} naming what is wrong.
 */
export function readOptions(args: string[], defaultRepetitions: number): BenchOptions {
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== "--"),
    options: { quick: { type: "boolean" }, repetitions: { type: "string" }, peers: { type: "string" } },
  });
  const quick = values.quick ?? false;
  const repetitions = Number(values.repetitions ?? (quick ? 1 : defaultRepetitions));
  if (!Number.isInteger(repetitions) || repetitions < 1) {
    throw new TypeError(`--repetitions is a whole number from 1 on, not "${values.repetitions}".`);
  }
  return { quick, repetitions, peers: values.peers ?? null };
}
