import type { Transport } from "../measure/function_process.ts";
import { markdownTable } from "../measure/results.ts";
import { quantile, round } from "../measure/statistics.ts";
import { FLOOD_PER_SECOND, type Limits, type Phase, QUIET_PER_SECOND } from "./scene.ts";

/** One receiver: the phases in turn. */
export interface Finding {
  limits: Limits;
  transport: Transport;
  warmUp?: Phase;
  rounds: { alone: Phase; beside: Phase }[];
  /** Receipts that the whole of it left. */
  stored: number;
}

const phasesOf = ({ warmUp, rounds }: Finding) => [
  ...(warmUp ? [warmUp] : []),
  ...rounds.flatMap(({ alone, beside }) => [alone, beside]),
];

/** Whether everything accepted is stored, and the quiet tenant was never sent away. */
export function isSound(findings: Finding[]): boolean {
  return findings.every((finding) => {
    const phases = phasesOf(finding);
    const accepted = phases.reduce(
      (sum, { quiet, flood }) => sum + quiet.accepted + (flood?.accepted ?? 0),
      0,
    );
    return accepted === finding.stored && phases.every(({ quiet }) => quiet.limited + quiet.refused === 0);
  });
}

/** The quiet tenant's answers, all rounds together: a 99th percentile needs many. */
function latencies(finding: Finding, phase: "alone" | "beside"): number[] {
  return finding.rounds.flatMap((one) => one[phase].quiet.latenciesMs);
}

function total(finding: Finding, count: "accepted" | "limited" | "refused"): number {
  return finding.rounds.reduce((sum, { beside }) => sum + (beside.flood?.[count] ?? 0), 0);
}

/** The report for readers. */
export function renderMarkdown(findings: Finding[]): string {
  const rows = findings.map((finding) => {
    const [alone, beside] = [latencies(finding, "alone"), latencies(finding, "beside")];
    const [p99Alone, p99Beside] = [quantile(alone, 0.99), quantile(beside, 0.99)];
    return [
      finding.limits,
      finding.transport,
      total(finding, "accepted"),
      total(finding, "limited"),
      total(finding, "refused"),
      `${round(quantile(alone, 0.5), 1)} / ${round(quantile(beside, 0.5), 1)}`,
      `${round(p99Alone, 1)} / ${round(p99Beside, 1)}`,
      round(p99Beside / p99Alone, 2),
    ];
  });
  const header = [
    "limits",
    "transport",
    "flood stored",
    "flood sent away (429)",
    "flood refused otherwise",
    "p50 ms of the other, alone / beside",
    "p99 ms of the other, alone / beside",
    "p99 beside / alone",
  ];
  return `# Flood\n\nOne tenant sends ${FLOOD_PER_SECOND} requests a second, another ${QUIET_PER_SECOND}.\n\n${
    markdownTable(header, rows)
  }\n`;
}
