/** A table for readers. */
export function markdownTable(header: string[], rows: (string | number)[][]): string {
  const line = (cells: (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [line(header), `|${"---|".repeat(header.length)}`, ...rows.map(line)].join("\n");
}

/** Keeps what a bench found in bench/results: the report for readers, and everything, dated, for machines. */
export async function keepResults(
  bench: string,
  findings: { setting: { measuredOn: string } },
  markdown: string,
): Promise<void> {
  const folder = new URL("../results/", import.meta.url);
  await Deno.mkdir(folder, { recursive: true });
  const json = `${JSON.stringify(findings, null, 2)}\n`;
  await Deno.writeTextFile(new URL(`${bench}-${findings.setting.measuredOn}.json`, folder), json);
  await Deno.writeTextFile(new URL(`${bench}.md`, folder), markdown);
}
