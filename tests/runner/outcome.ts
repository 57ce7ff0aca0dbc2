/** How a run of `deno test` ended. */
export interface Outcome {
  passed: number;
  failed: number;
  /** `name => ./tests/folder/file.ts` of a test that failed, `... (uncaught error)` of a file that broke off. */
  failures: string[];
  /** Their files. */
  files: string[];
}

/** A file begins, a test of it failed, or the file broke off. The list at the end names a test's helper, not its file. */
const LINE =
  /^(?:running \d+ tests? from (\.\/tests\/\S+\.ts)|(\S.*) \.\.\. FAILED(?: \(.*\))?|(\.\/tests\/\S+\.ts) \(uncaught error\))$/gm;
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");

/**
 * Reads what `deno test` printed.
 *
 * @throws {Error} when the run has no count, or skipped a test.
 */
export function readOutcome(output: string, success: boolean): Outcome {
  const plain = output.replaceAll(COLOURS, "");
  const counts = /(\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed/.exec(plain);
  if (!counts) throw new Error("The test run ended without a count");
  if (/\d+ ignored/.test(plain)) throw new Error("A skipped test is a failed one");
  const failures = new Set<string>();
  const files = new Set<string>();
  let file = "";
  for (const [line, begun, test, brokenOff] of plain.matchAll(LINE)) {
    if (begun) file = begun;
    else failures.add(brokenOff ? line : `${test} => ${file}`) && files.add(brokenOff ?? file);
  }
  // A run that failed outside its tests has no failure to list, and is none the less failed.
  const failed = Math.max(Number(counts[2]), success ? 0 : 1);
  return { passed: Number(counts[1]), failed, failures: [...failures], files: [...files] };
}

/** What several runs come to. */
export function added(outcomes: Outcome[]): Outcome {
  return {
    passed: outcomes.reduce((sum, { passed }) => sum + passed, 0),
    failed: outcomes.reduce((sum, { failed }) => sum + failed, 0),
    failures: outcomes.flatMap(({ failures }) => failures),
    files: outcomes.flatMap(({ files }) => files),
  };
}
