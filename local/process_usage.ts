/** What a process has used so far. */
export interface ProcessUsage {
  /** User and system time since its start. */
  cpuMs: number;
  /** Anonymous resident memory. */
  memoryMb: number;
}

/** The kernel counts CPU in hundredths of a second, whatever its own clock. */
const TICK_MS = 10;

/** Asks the kernel; null when the process is gone, or where there is no /proc. */
export function readProcessUsage(pid: number): ProcessUsage | null {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The second field is the command in parentheses and may hold spaces; user and system time are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const anonymousKb = /^RssAnon:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
    return {
      cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
      memoryMb: Math.round(Number(anonymousKb ?? 0) / 1024),
    };
  } catch {
    return null;
  }
}
