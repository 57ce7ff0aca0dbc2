import { markdownTable } from "../measure/results.ts";
import { type Setting, settingLines } from "../measure/setting.ts";
import { range, round } from "../measure/statistics.ts";
import { CLAIMED, SUBSCRIPTIONS } from "./scene.ts";

/** What a call cost with a log of one size. */
export interface ClaimCost {
  /** Finished deliveries, each with an attempt. */
  rows: number;
  logMegabytes: number;
  /** One of every repetition. */
  medians: number[];
  medianMs: number;
  p95Ms: number;
}

/** Everything that one run found. */
export interface Findings {
  setting: Setting;
  repetitions: number;
  samples: number;
  claims: ClaimCost[];
  fanOuts: { kind: string; medianMs: number }[];
}

/** The findings for readers. */
export function renderMarkdown({ setting, repetitions, samples, claims, fanOuts }: Findings): string {
  const smallest = claims[0]!.medianMs;
  return `# Claiming deliveries

Does a claim cost more when the log is long? \`deno task bench:claim\`, ${setting.measuredOn}, commit ${setting.commit}.
${repetitions} times ${samples} calls of each size, one size after the other, as the log grows; median of their medians.

${settingLines(setting, "Nothing of ours runs beside the database and the loop that calls it.").join("\n")}
- A call is one \`exchange_deliveries\` over one direct connection: it reports ${CLAIMED} deliveries as delivered and claims ${CLAIMED}
  others, fairly, from 16 lanes of 4 tenants. Queueing them is not in the number.
- The log holds so many delivered ones with an attempt each, in the tables that the calls write to; ids of their time, analyzed.

${
    markdownTable(
      ["finished deliveries", "log MB", "call ms", "of repetitions", "p95 ms", "ratio"],
      claims.map((cost) => [
        cost.rows.toLocaleString("en"),
        cost.logMegabytes,
        round(cost.medianMs, 2),
        range(cost.medians, 2),
        round(cost.p95Ms, 2),
        round(cost.medianMs / smallest, 2),
      ]),
    )
  }

One event that ${SUBSCRIPTIONS} subscriptions want, from the insert to its answer; every second of kind event has a filter:

${markdownTable(["kind", "insert ms"], fanOuts.map(({ kind, medianMs }) => [kind, round(medianMs, 1)]))}

What this does not show: several workers at once (bench:deliver), a cold cache, and a disk that is slower than this one's.
`;
}
