/** Where the stack's own processes and the functions write to. */
export interface Log {
  info(source: string, message: string, fields?: Record<string, unknown>): void;
  warn(source: string, message: string, fields?: Record<string, unknown>): void;
  error(source: string, message: string, fields?: Record<string, unknown>): void;
}

const encoder = new TextEncoder();

/** The log of a stack: a file, and the terminal once it is asked to. */
export interface StackLog extends Log {
  /** From now on every line also goes to the terminal. */
  showOnTerminal(): void;
  close(): void;
}

/** A log of readable lines, `time source level message field=value ...`. */
export function createLog(filePath: string): StackLog {
  const file = Deno.openSync(filePath, { create: true, append: true });
  let terminal = false;
  const write = (level: string, source: string, message: string, fields: Record<string, unknown> = {}) => {
    const extra = Object.entries(fields)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => ` ${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
    const at = new Date().toISOString().slice(11, 23);
    const line = encoder.encode(
      `${at} ${source.padEnd(18)} ${level.padEnd(5)} ${message}${extra.join("")}\n`,
    );
    file.writeSync(line);
    if (terminal) Deno.stdout.writeSync(line);
  };
  return {
    info: (source, message, fields) => write("info", source, message, fields),
    warn: (source, message, fields) => write("warn", source, message, fields),
    error: (source, message, fields) => write("error", source, message, fields),
    showOnTerminal: () => terminal = true,
    close: () => file.close(),
  };
}
