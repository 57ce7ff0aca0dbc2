import { HOW_TO_ADD_PEERS } from "../measure/peers.ts";
import { PEER_NAMES, SLOW_PEER_NAMES } from "./peer_subjects.ts";
import { markdownTable } from "../measure/results.ts";
import { type Setting, settingLines } from "../measure/setting.ts";
import { median, range } from "../measure/statistics.ts";
import type { Measurement, Plan, Verification } from "./measure.ts";
import {
  BY_HAND,
  BY_HAND_WIDE,
  type Ceiling,
  CONNECTIONS,
  RAW_MANY,
  RAW_ONE,
  RECEIVER_DIRECT,
  RECEIVER_POSTGREST,
  SLOW_FLUSH_MS,
  slowly,
  USUAL,
  withMany,
} from "./subjects.ts";

/** Packages that take part, whose versions are named. */
export const PACKAGES = ["fastify", "hono", "postgres", "@supabase/supabase-js"];

/** One line of the table: medians over the repetitions. */
export interface Row {
  subject: string;
  connections: number;
  perSecond: number;
  range: string;
  p50Ms: number;
  p99Ms: number;
}

/** Everything that one run found. */
export interface Findings {
  setting: Setting;
  plan: Plan;
  /** Versions of the peers that took part; null = none did. */
  peers: Record<string, string> | null;
  ceiling: Ceiling[];
  measurements: Measurement[];
  verifications: Verification[];
  rows: Row[];
}

/** Medians over the repetitions. */
export function rowsOf(measurements: Measurement[]): Row[] {
  return measurements.map(({ subject, connections, runs }) => {
    const rates = runs.map((run) => run.perSecond);
    return {
      subject,
      connections,
      perSecond: median(rates),
      range: range(rates),
      p50Ms: median(runs.map((run) => run.p50Ms)),
      p99Ms: median(runs.map((run) => run.p99Ms)),
    };
  });
}

/** Whether every accepted request is in its table once, and none was refused. */
export function isSound({ verifications }: Findings): boolean {
  return verifications.every((one) =>
    one.accepted > 0 && one.accepted === one.stored && one.duplicates === 0 && one.refused === 0
  );
}

/** The findings for readers. */
export function renderMarkdown(findings: Findings): string {
  const { setting, plan, ceiling, rows, verifications } = findings;
  const most = ceiling.map(({ connections, perSecond }) => `${perSecond} at ${connections}`).join(", ");
  return `# Receiving webhooks

How many signed webhooks per second does the whole \`webhook-receiver\` take? \`deno task bench:receive\`, ${setting.measuredOn},
commit ${setting.commit}. ${plan.repetitions} repetitions in turn of ${
    plan.durationMs / 1000
  } s each; medians.

${settingLines(setting, "Everything runs on it: Postgres, the receiver and the load.").join("\n")}
- Load: 1 KB of JSON, generic HMAC, a fresh event id and signature per request, keep-alive connections that each wait for
  their answer. To a receiver that does nothing the generator sends ${most} connections.
- The function's process is asked without the gateway in front. Its calls to PostgREST go through the gateway, as on the
  platform. It holds up to 4 database connections (the default), the receiver by hand 10.
- "200 webhooks" are those of 50 tenants, in turn. "flush + ${SLOW_FLUSH_MS} ms" is a disk that takes so much longer for every
  flush of the write-ahead log (commit_delay with commit_siblings 0, which Postgres shares among those who wait).
- Events and dispatches are written as always; the dispatcher sleeps, since it would take the same cores.
${peersLines(findings.peers)}

${
    markdownTable(
      ["what", "connections", "stored/s", "range", "p50 ms", "p99 ms"],
      rows.map((row) => [row.subject, row.connections, row.perSecond, row.range, row.p50Ms, row.p99Ms]),
    )
  }

\`store_webhook_receipts\` alone is the database without HTTP and signatures; its latencies are those of a call.

${ratioLines(rows).join("\n")}

Verified, warm-up included: accepted requests against rows in the table.

${
    markdownTable(
      ["what", "accepted", "stored", "duplicates", "refused"],
      verifications.map((one) => [one.subject, one.accepted, one.stored, one.duplicates, one.refused]),
    )
  }

What this does not show: tables of millions of rows (bench:receive-history), the network between function and database, the hosted runtime's limits on processor time, the dispatcher at work beside it. The receivers by hand store one
row in one table; the receiver stores receipt, body, event and dispatch, and checks the webhook again while storing.
`;
}

function peersLines(versions: Findings["peers"]): string {
  if (versions === null) return `- No peers took part. ${HOW_TO_ADD_PEERS}`;
  const named = ["fastify", "hono", "postgres", "pg"].map((name) => `${name} ${versions[name] ?? "?"}`).join(
    ", ",
  );
  return `- Peers (${named}) store one row each in a Postgres of their own, under the same load. The one over
  PostgREST calls it without a gateway between.`;
}

/** Rates of a receiver against those of what was measured at the same number of connections. */
function ratioLines(rows: Row[]): string[] {
  const rateOf = (subject: string, connections?: number) =>
    rows.find((row) => row.subject === subject && (connections ?? row.connections) === row.connections)
      ?.perSecond;
  const line = (one: string, other: string, counts: number[], otherCount?: number) => {
    const ratios = counts.flatMap((count) => {
      const [rate, otherRate] = [rateOf(one, count), rateOf(other, otherCount ?? count)];
      return rate === undefined || otherRate === undefined
        ? []
        : [`${(rate / otherRate).toFixed(2)} at ${count}`];
    });
    return ratios.length === 0 ? [] : [`- ${one} / ${other}: ${ratios.join(", ")}`];
  };
  return [RECEIVER_DIRECT, RECEIVER_POSTGREST].flatMap((receiver) => [
    ...[BY_HAND, USUAL, ...PEER_NAMES].flatMap((other) => line(receiver, other, CONNECTIONS)),
    ...line(receiver, RAW_ONE, [10], 10),
    ...line(receiver, RAW_MANY, [50], 2),
    ...line(withMany(receiver), receiver, [50]),
    ...[BY_HAND, BY_HAND_WIDE, ...SLOW_PEER_NAMES]
      .flatMap((other) => line(slowly(receiver), slowly(other), [10, 50])),
  ]);
}
