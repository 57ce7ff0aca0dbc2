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
export function createLogger(functionName: string, fields: LogFields = {}): Logger {
  const write = (level: LogLevel, message: string, extra: LogFields = {}) => {
    if (ORDER[level] < ORDER[environment().INTERLOCK_LOG_LEVEL]) return;
    const line = {
      level,
      at: new Date().toISOString(),
      function: functionName,
      msg: message,
      ...fields,
      ...extra,
    };
    // deno-lint-ignore no-console
    console.log(JSON.stringify(line));
  };
  return {
    debug: (message, extra) => write("debug", message, extra),
    info: (message, extra) => write("info", message, extra),
    warn: (message, extra) => write("warn", message, extra),
    error: (message, extra) => write("error", message, extra),
    with: (more) => createLogger(functionName, { ...fields, ...more }),
  };
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
