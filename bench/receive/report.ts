import { HOW_TO_ADD_PEERS } from "../measure/peers.ts";
import { PEER_NAMES } from "./peer_subjects.ts";
import { markdownTable } from "../measure/results.ts";
import { type Setting, settingLines } from "../measure/setting.ts";
import { median, range } from "../measure/statistics.ts";
import type { Measurement, Plan, Verification } from "./measure.ts";
import {
  BY_HAND,
  type Ceiling,
  CONNECTIONS,
  RAW_MANY,
  RAW_ONE,
  RECEIVER_DIRECT,
  RECEIVER_POSTGREST,
  USUAL,
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

What this does not show: a slow disk, many webhooks in use at once, tables of millions of rows, the network between function
and database, the hosted runtime's limits on processor time, the dispatcher at work beside it. The receivers by hand store one
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

function ratioLines(rows: Row[]): string[] {
  const rate = (subject: string, connections?: number) =>
    rows.find((row) => row.subject === subject && (connections ?? row.connections) === row.connections)!
      .perSecond;
  const ratio = (one: string, count: number, other: string, otherCount?: number) =>
    `${(rate(one, count) / rate(other, otherCount)).toFixed(2)} at ${count}`;
  const each = (one: string, other: string) =>
    CONNECTIONS.map((count) => ratio(one, count, other, count)).join(", ");
  return [RECEIVER_DIRECT, RECEIVER_POSTGREST].flatMap((receiver) => [
    `- ${receiver} / ${BY_HAND}: ${each(receiver, BY_HAND)}`,
    `- ${receiver} / ${USUAL}: ${each(receiver, USUAL)}`,
    ...PEER_NAMES.filter((peer) => rows.some((row) => row.subject === peer))
      .map((peer) => `- ${receiver} / ${peer}: ${each(receiver, peer)}`),
    `- ${receiver} / ${RAW_ONE}: ${ratio(receiver, 10, RAW_ONE)}`,
    `- ${receiver} / ${RAW_MANY}: ${ratio(receiver, 50, RAW_MANY)}`,
  ]);
}
