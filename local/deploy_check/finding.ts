/** One line of the report: something a running hub needs, and how it stands on the target. */
export interface Finding {
  /** ok = as it must be; missing = the hub does not work or is not safe; note = worth knowing; skipped = not looked at. */
  state: "ok" | "missing" | "note" | "skipped";
  what: string;
  /** What to do about it. Every line that is not ok has one. */
  todo?: string;
}

export const ok = (what: string): Finding => ({ state: "ok", what });
export const missing = (what: string, todo: string): Finding => ({ state: "missing", what, todo });
export const note = (what: string, todo: string): Finding => ({ state: "note", what, todo });
export const skipped = (what: string, todo: string): Finding => ({ state: "skipped", what, todo });

/** The finding as a person reads it: state, fact, and on the next line what to do. */
export function renderFinding(finding: Finding): string {
  const line = `${finding.state.padEnd(8)} ${finding.what}`;
  return finding.todo ? `${line}\n         -> ${finding.todo}` : line;
}

/**
 * Runs one check; a check that breaks is reported as missing instead of hiding the rest of the report.
 * The message of the failure is shown, never what was sent: it could be a key.
 */
export async function guarded(what: string, check: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await check();
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    return [
      missing(
        `${what}: could not be read (${reason})`,
        "Apply the migrations, check the rights of the connection, then run this again.",
      ),
    ];
  }
}
