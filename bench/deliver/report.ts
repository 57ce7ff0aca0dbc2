import { HOW_TO_ADD_PEERS } from "../measure/peers.ts";
import { markdownTable } from "../measure/results.ts";
import { type Setting, settingLines } from "../measure/setting.ts";
import { median, quantile, range, round } from "../measure/statistics.ts";
import { type Latency, NOTIFY } from "./latency.ts";
import type { Measurement, Plan } from "./measure.ts";

/** Everything that one run found. */
export interface Findings {
  setting: Setting;
  plan: Plan;
  /** Versions of the peers that took part; null = none did. */
  peers: Record<string, string> | null;
  measurements: { rated: Measurement[]; warmUps: Measurement[] };
  latencies: Latency[];
}

/** Whether everything queued was delivered once and written down, and everything committed arrived once. */
export function isSound({ measurements, latencies }: Findings): boolean {
  const runs = [...measurements.rated, ...measurements.warmUps].flatMap((measurement) => measurement.runs);
  return runs.every((run) =>
    run.queued > 0 && run.delivered === run.queued && run.duplicates === 0 &&
    (run.attempts === null || run.attempts === run.queued) &&
    (run.arrived === null || run.arrived === run.queued)
  ) && latencies.every((latency) =>
    latency.samplesMs.length > 0 && latency.lost === 0 && latency.duplicates === 0
  );
}

/** The findings for readers. */
export function renderMarkdown(findings: Findings): string {
  const { setting, plan, measurements: { rated, warmUps }, latencies } = findings;
  const jobs = plan.jobs.map(({ count, sinkDelayMs, concurrency, maxInFlight }) =>
    `${count} at ${sinkDelayMs} ms with ${concurrency} at a time (the worker: ${maxInFlight} per integration)`
  ).join(", ");
  return `# Delivering webhooks

How many deliveries per second does the whole \`meta-webhook-deliver\` make, and how soon after the commit does the first attempt
arrive? \`deno task bench:deliver\`, ${setting.measuredOn}, commit ${setting.commit}. ${plan.repetitions} repetitions in turn; medians.

${settingLines(setting, "Everything runs on it: Postgres, what sends, and the endpoint.").join("\n")}
- Work: ${jobs} of answer time, queued over 16 integrations while the worker sleeps, as rows that become events that become
  deliveries. The clock runs from the wake-up until nothing is open. ${plan.warmUpCount} deliveries of each warm up.
- The worker claims fairly, builds the payload, signs, checks the address and writes every attempt down; what its integrations let
  through at a time includes what is claimed ahead and results on their way to the database. The loops sign and send from memory,
  as many at a time as said above. The endpoint counts and verifies no signature.
- The worker's process runs without the gateway in front, and without the local stack's limit of processor time. Its calls to
  PostgREST go through the gateway, as on the platform. It holds up to 4 database connections (the default).
${peersLines(findings.peers)}

${throughputTable(rated)}

CPU is that of the sending process, without Postgres, PostgREST and the endpoint.

${ratioLines(rated).join("\n")}

From the moment before the commit until the first arrival at the endpoint:

${latencyTable(latencies)}

\`awake\`: the worker found something within the last second and looks every 10 ms. \`asleep\`: the database's bell wakes it over
HTTP; its process is up. \`${NOTIFY}\` claims, signs and reports nothing, and what nobody heard is lost.

Verified, warm-up included: what was queued, delivered, written down as an attempt, and what came to the endpoint.

${verificationTable([...rated, ...warmUps])}

What this does not show: TLS and names to resolve, endpoints that fail, several workers, tables of millions of rows, a slow disk,
the hosted runtime.
`;
}

function peersLines(versions: Findings["peers"]): string {
  if (versions === null) return `- No peers took part. ${HOW_TO_ADD_PEERS}`;
  const named = ["graphile-worker", "pg-boss", "bullmq", "undici"].map((name) =>
    `${name} ${versions[name] ?? "?"}`
  );
  return `- Peers: ${
    named.join(", ")
  }, on servers of their own. They deliver as many jobs of 1 KB to the same endpoint, as many
  at a time as the loops, warm, and keep no row of an attempt, look no endpoint or secret up and check no address.`;
}

const ratesOf = (measurement: Measurement) => measurement.runs.map((run) => run.perSecond);

function throughputTable(measurements: Measurement[]): string {
  return markdownTable(
    ["what", "answer time ms", "deliveries/s", "range", "CPU ms each", "most at once"],
    measurements.map((one) => [
      one.subject,
      one.sinkDelayMs,
      median(ratesOf(one)),
      range(ratesOf(one)),
      round(median(one.runs.map((run) => run.cpuMsEach)), 3),
      Math.max(...one.runs.map((run) => run.mostAtOnce ?? 0)) || "",
    ]),
  );
}

/** Each of our workers against everything else, at every answer time both were measured at. */
function ratioLines(measurements: Measurement[]): string[] {
  const workers = [
    ...new Set(measurements.filter(({ kind }) => kind === "worker").map(({ subject }) => subject)),
  ];
  const others = [
    ...new Set(measurements.filter(({ kind }) => kind !== "worker").map(({ subject }) => subject)),
  ];
  return workers.flatMap((worker) =>
    others.map((other) => {
      const ratios = measurements.filter(({ subject }) => subject === other).map(({ sinkDelayMs, runs }) => {
        const own = measurements.find((one) => one.subject === worker && one.sinkDelayMs === sinkDelayMs)!;
        // Of runs of the same repetition, because they were neighbours in time.
        const each = own.runs.map((run, index) => run.perSecond / runs[index]!.perSecond);
        return `${median(each).toFixed(2)} (${range(each, 2)}) at ${sinkDelayMs} ms`;
      });
      return `- ${worker} / ${other}: ${ratios.join(", ")}`;
    })
  );
}

function latencyTable(latencies: Latency[]): string {
  const samples = new Map<string, number[]>();
  for (const { subject, samplesMs } of latencies) {
    samples.set(subject, [...samples.get(subject) ?? [], ...samplesMs]);
  }
  const floorMs = median(samples.get(NOTIFY) ?? []);
  return markdownTable(
    ["what", "samples", "median ms", "p90 ms", "p99 ms", "max ms", `median / ${NOTIFY}`],
    [...samples].map(([subject, samplesMs]) => [
      subject,
      samplesMs.length,
      round(median(samplesMs), 1),
      round(quantile(samplesMs, 0.9), 1),
      round(quantile(samplesMs, 0.99), 1),
      round(Math.max(...samplesMs), 1),
      round(median(samplesMs) / floorMs, 1),
    ]),
  );
}

function verificationTable(measurements: Measurement[]): string {
  const sums = new Map<string, (number | null)[]>();
  for (const { subject, runs } of measurements) {
    for (const run of runs) {
      const counts = [run.queued, run.delivered, run.attempts, run.arrived, run.duplicates];
      const before = sums.get(subject);
      sums.set(
        subject,
        counts.map((count, index) => count === null ? null : count + (before?.[index] ?? 0)),
      );
    }
  }
  return markdownTable(
    ["what", "queued", "delivered", "attempts", "arrived", "came twice"],
    [...sums].map(([subject, counts]) => [subject, ...counts.map((count) => count ?? "")]),
  );
}
