// deno-lint-ignore-file no-console -- prints the count
/**
 * `deno task test`: runs all tests on stacks of their own, beside a running one, and ends with the count.
 * Arguments are paths or flags for `deno test`; without any, everything runs, in two lanes side by side because much of
 * a test is waiting, and the up to three files in which tests failed run once more on a new stack. What passes then is
 * told as unstable, which is a fault to be mended.
 *
 * @module
 */
import { added, type Outcome } from "./runner/outcome.ts";
import { type Lane, runLane } from "./runner/lane.ts";

/**
 * Lanes of about the same length. Deno takes the files of each by name: the races, which measure time, are beside chaos,
 * which mostly waits, and the fuzz, which needs all the processor it gets, comes later.
 */
const EVERYTHING: Lane[] = [
  {
    logName: "test-stack-1.log",
    tests: ["tests/race", "tests/stack"],
    isBesideOthers: true,
  },
  {
    logName: "test-stack-2.log",
    tests: ["tests/chaos", "tests/contract", "tests/fuzz", "tests/isolation", "tests/unit"],
    isBesideOthers: true,
  },
];

/** Failures of a whole run in more files, or of more tests, are no matter of chance. */
const MAX_UNSTABLE = { files: 3, tests: 12 };
/** Their choices come from a seed: what fails there has failed, though another seed may not meet it. */
const SEEDED = /\/tests\/(fuzz\/|chaos\/rounds_test)/;

/**
 * Every lane to its end, whatever the others come to.
 *
 * @throws {Error} of a lane that broke off.
 */
async function runLanes(lanes: Lane[]): Promise<Outcome> {
  const ends = await Promise.allSettled(lanes.map(runLane));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return added(ends.flatMap((end) => end.status === "fulfilled" ? [end.value] : []));
}

/** Runs these files once more, on a stack of their own. Answers whether everything in them passed. */
async function passAgain(files: string[]): Promise<boolean> {
  console.log(`Once more, by themselves: ${files.join(" ")}`);
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--quiet", "--no-check", "tests/run.ts", ...files],
    stdout: "piped",
    stderr: "inherit",
  }).output();
  // Without its count: those tests are counted already.
  console.log(new TextDecoder().decode(stdout).replaceAll(/^\d+ passed, \d+ failed$/gm, ""));
  return success;
}

const isWhole = Deno.args.length === 0;
let { passed, failed, failures, files } = await runLanes(
  isWhole ? EVERYTHING : [{ logName: "test-stack.log", tests: Deno.args, isBesideOthers: false }],
);
const isChance = isWhole && files.length > 0 && files.length <= MAX_UNSTABLE.files &&
  failed <= MAX_UNSTABLE.tests && !files.some((file) => SEEDED.test(file));
if (failed > 0 && isChance && await passAgain(files)) {
  console.log(`Unstable, for they passed only when run again:\n${failures.join("\n")}`);
  [passed, failed] = [passed + failed, 0];
}
console.log(`${passed} passed, ${failed} failed`);
Deno.exit(passed > 0 && failed === 0 ? 0 : 1);
