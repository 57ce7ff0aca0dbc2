import { markdownTable } from "../measure/results.ts";
import { type Setting, settingLines } from "../measure/setting.ts";
import { median, range, round } from "../measure/statistics.ts";
import type { ColdStart } from "./cold_start.ts";
import type { Bundle } from "./modules.ts";
import { BARE, MINIMAL, type Subject, type Way, WAYS } from "./subjects.ts";

/** One subject started in one way, over all repetitions. */
export interface Measurement {
  subject: string;
  kind: Subject["kind"];
  way: Way;
  starts: ColdStart[];
}

/** Medians over the repetitions. */
export interface Row extends ColdStart {
  subject: string;
  kind: Subject["kind"];
  way: Way;
  range: string;
}

/** What a function is made of. */
export interface Contents extends Omit<Bundle, "path"> {
  subject: string;
  packages: number;
}

/** Everything that one run found. */
export interface Findings {
  setting: Setting;
  repetitions: number;
  measurements: Measurement[];
  rows: Row[];
  contents: Contents[];
}

/** Packages that take part, whose versions are named. */
export const PACKAGES = ["hono", "zod", "@supabase/supabase-js", "postgres"];

/** Medians over the repetitions. */
export function rowsOf(measurements: Measurement[]): Row[] {
  return measurements.map(({ subject, kind, way, starts }) => ({
    subject,
    kind,
    way,
    readyMs: round(median(starts.map((start) => start.readyMs)), 1),
    range: range(starts.map((start) => start.readyMs)),
    cpuMs: median(starts.map((start) => start.cpuMs)),
    rssMb: round(median(starts.map((start) => start.rssMb)), 1),
  }));
}

/** The findings for readers. */
export function renderMarkdown(findings: Findings): string {
  const { setting, repetitions, rows } = findings;
  return `# Cold starts

What does it cost until a function answers for the first time? \`deno task bench:boot\`, ${setting.measuredOn}, commit
${setting.commit}. ${repetitions} starts each, in turn; medians.

${settingLines(setting, "Nothing of ours runs beside the process that starts.").join("\n")}
- A start lasts from the spawn of the process until its first answer is read to its end. The request carries no credentials,
  so the function refuses it by itself: neither database nor network is in the number.
- Functions run in the host of the local stack. \`source\`: Deno's compiled code is cached from a start before.
  \`no code cache\`: it is compiled anew, which is nearer to a platform that starts a function on a fresh machine.
  \`bundle\`: one file made by \`deno bundle\`. All read their files from the page cache.
- Processor time is counted by the kernel in steps of 10 ms, over all threads.

${startTable(rows)}

Ratios of the time to the first answer, each within one way of starting:

${ratioLines(rows).join("\n")}

What a function is made of. Bundles are not minified; packages include what packages need themselves.

${contentsTable(findings.contents)}

What one import costs alone: a bare process that imports it, without code cache, less the bare process. Imports share
packages, so the costs do not add up.

${importTable(rows)}

What this does not show: the hosted runtime, which is an older Deno and loads a prepared archive; downloading; the first query
to the database; several functions that start at the same time.
`;
}

const round2 = (value: number) => round(value, 2).toFixed(2);

function startTable(rows: Row[]): string {
  return markdownTable(
    ["what", "started from", "first answer ms", "range", "CPU ms", "memory MB"],
    rows.filter(({ kind }) => kind !== "package")
      .map((row) => [row.subject, row.way, row.readyMs, row.range, row.cpuMs, row.rssMb]),
  );
}

function ratioLines(rows: Row[]): string[] {
  const functions = [
    ...new Set(rows.filter(({ kind }) => kind === "function").map(({ subject }) => subject)),
  ];
  const find = (subject: string, way: Way) =>
    rows.find((row) => row.subject === subject && row.way === way)?.readyMs;
  return functions.flatMap((name) =>
    [BARE, MINIMAL].map((limit) => {
      const ratios = WAYS.flatMap((way) => {
        const [own, other] = [find(name, way), find(limit, way)];
        return own === undefined || other === undefined ? [] : [`${round2(own / other)} from ${way}`];
      });
      return `- ${name} / ${limit}: ${ratios.join("; ")}`;
    })
  );
}

function contentsTable(contents: Contents[]): string {
  const kilobytes = (bytes: number) => Math.round(bytes / 1024);
  return markdownTable(
    ["what", "npm packages", "bundle KB", "gzip KB", "largest parts (KB)"],
    contents.map(({ subject, packages, bytes, gzipBytes, shares }) => [
      subject,
      packages,
      kilobytes(bytes),
      kilobytes(gzipBytes),
      shares.slice(0, 5).map((share) => `${share.from} ${kilobytes(share.bytes)}`).join(", "),
    ]),
  );
}

function importTable(rows: Row[]): string {
  const bare = rows.find(({ subject, way }) => subject === BARE && way === "source, no code cache")!;
  return markdownTable(
    ["import", "more ms", "more CPU ms", "more MB"],
    rows.filter(({ kind }) => kind === "package").sort((a, b) => b.readyMs - a.readyMs).map((row) => [
      row.subject,
      round(row.readyMs - bare.readyMs, 1),
      row.cpuMs - bare.cpuMs,
      round(row.rssMb - bare.rssMb, 1),
    ]),
  );
}
