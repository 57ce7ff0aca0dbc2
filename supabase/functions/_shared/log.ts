import { environment } from "./env.ts";

/** Every field a log line may carry. Anything else does not compile, so no payload or secret slips in. */
export interface LogFields {
  request_id?: string;
  tenant_id?: string | null;
  org_id?: string | null;
  run_id?: string;
  route?: string;
  status?: number;
  code?: string;
  duration_ms?: number;
  count?: number;
  attempt?: number;
  webhook_id?: string;
  receipt_id?: string;
  dispatch_id?: number;
  delivery_id?: string;
  integration_id?: string;
  event_id?: string;
  event_type?: string;
  consumer?: string;
  provider?: string;
  step?: string;
  reason?: string;
  error_name?: string;
  error_message?: string;
  error_at?: string;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Writes JSON lines to standard output; one logger per request carries its id and tenant. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose every line carries these fields too. */
  with(fields: LogFields): Logger;
}

const ORDER: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** A logger for one function. Lines below INTERLOCK_LOG_LEVEL are dropped. */
export function createLogger(functionName: string): Logger {
  return new LineLogger(functionName, {});
}

class LineLogger implements Logger {
  constructor(private readonly functionName: string, private readonly fields: LogFields) {}

  debug(message: string, fields?: LogFields): void {
    this.#write("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write("error", message, fields);
  }

  with(fields: LogFields): Logger {
    return new LineLogger(this.functionName, { ...this.fields, ...fields });
  }

  #write(level: LogLevel, message: string, fields?: LogFields): void {
    if (ORDER[level] < ORDER[environment().INTERLOCK_LOG_LEVEL]) return;
    const line = {
      level,
      at: new Date().toISOString(),
      function: this.functionName,
      msg: message,
      ...this.fields,
      ...fields,
    };
    // deno-lint-ignore no-console
    console.log(JSON.stringify(line));
  }
}

/** What a log may say about a thrown value: its name, its message cut short, and where it was thrown. */
export function errorFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { error_name: typeof error };
  const at = error.stack?.split("\n").find((line) => line.trimStart().startsWith("at "))?.trim();
  const cause = error.cause instanceof Error ? ` (${error.cause.name}: ${error.cause.message})` : "";
  return {
    error_name: error.name,
    error_message: `${error.message}${cause}`.slice(0, 300),
    error_at: at?.replace(/file:\/\/\S*\/functions\//, ""),
  };
}
