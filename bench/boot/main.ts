// deno-lint-ignore-file no-console -- prints its results
/**
 * `deno task bench:boot`: what does the cold start of every function cost, against a bare process and a minimal function
 * measured in the same run? Results go to bench/results. `--quick` starts each once and keeps nothing; `--repetitions N`
 * starts each N times.
 *
 * @module
 */
import { join } from "node:path";
import { readOptions } from "../measure/options.ts";
import { keepResults } from "../measure/results.ts";
import { readSetting } from "../measure/setting.ts";
import { inTurn } from "../measure/turns.ts";
import { startCold } from "./cold_start.ts";
import { type Bundle, bundle } from "./modules.ts";
import { type Findings, type Measurement, PACKAGES, renderMarkdown, rowsOf } from "./report.ts";
import { findSubjects, type Subject, waysOf } from "./subjects.ts";

const { quick, repetitions } = readOptions(Deno.args, 9);

async function bundleAll(subjects: Subject[], folder: string): Promise<Map<string, Bundle>> {
  const bundles = new Map<string, Bundle>();
  for (const { name, entrypoint } of subjects) {
    if (entrypoint === null) continue;
    bundles.set(name, await bundle(entrypoint, join(folder, `${bundles.size}.js`)));
  }
  return bundles;
}

async function measureAll(subjects: Subject[], bundles: Map<string, Bundle>): Promise<Measurement[]> {
  const measurements = subjects.flatMap((subject) =>
    waysOf(subject).map((way): Measurement => ({
      subject: subject.name,
      kind: subject.kind,
      way,
      starts: [],
    }))
  );
  const start = (measurement: Measurement) => {
    const subject = subjects.find(({ name }) => name === measurement.subject)!;
    return startCold(subject, measurement.way, bundles.get(subject.name));
  };
  // Once for the page cache and, where it is used, the code cache: the disk is not the question.
  for (const measurement of measurements) await start(measurement);
  for (const { subject: measurement, repetition } of inTurn(measurements, repetitions)) {
    measurement.starts.push(await start(measurement));
    if (measurement === measurements[0]) console.log(`${repetition + 1}/${repetitions}`);
  }
  return measurements;
}

const setting = await readSetting(PACKAGES);
const folder = await Deno.makeTempDir({ prefix: "interlock-boot-" });
try {
  const subjects = await findSubjects();
  const bundles = await bundleAll(subjects, folder);
  const measurements = await measureAll(subjects, bundles);
  const findings: Findings = {
    setting,
    repetitions,
    measurements,
    rows: rowsOf(measurements),
    contents: [...bundles].map(([subject, { bytes, gzipBytes, shares }]) => ({
      subject,
      packages: subjects.find(({ name }) => name === subject)!.packages!,
      bytes,
      gzipBytes,
      shares,
    })),
  };
  const report = renderMarkdown(findings);
  console.log(report);
  if (!quick) await keepResults("boot", findings, report);
} finally {
  await Deno.remove(folder, { recursive: true });
}
