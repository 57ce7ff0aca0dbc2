import type { Verdict } from "./ledger.ts";

/** The rounds of one kind and how they ended in sum. */
export interface VerdictRow {
  name: string;
  /** Where each round was struck. */
  struckAt: string[];
  verdict: Verdict;
}

/** The verdicts as a table to read. */
export function verdictTable(rows: VerdictRow[]): string {
  const cells = rows.map(({ name, struckAt, verdict }) => [
    name,
    String(struckAt.length),
    String(verdict.accepted),
    String(verdict.arrived),
    String(verdict.lost.length),
    String(verdict.repeats),
    String(verdict.duplicates.length),
    String(verdict.outOfTenant.length),
    countsOf(struckAt),
  ]);
  const titles = [
    ...["rounds of", "rounds", "accepted", "arrived", "lost", "repeats"],
    ...["duplicates", "out of tenant", "struck at"],
  ];
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => row[column]!.length))
  );
  const line = (row: string[]) =>
    row.map((cell, column) =>
      column > 0 && column < row.length - 1 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)
    ).join("  ").trimEnd();
  return [titles, ...cells].map(line).join("\n");
}

function countsOf(names: string[]): string {
  const counted = [...Map.groupBy(names, (name) => name)].sort(([one], [other]) => one.localeCompare(other));
  return counted.map(([name, all]) => `${name} ${all.length}`).join(", ");
}
