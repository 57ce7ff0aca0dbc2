import postgres from "postgres";
import { base64Encode } from "../crypto/encoding.ts";
import type { Json, Store } from "./store.ts";
import { StoreDataError } from "./store_data_error.ts";
import { databaseError, isDataError } from "./unwrap.ts";

/** A Postgres address and how many connections this worker may hold. */
export interface DirectStoreOptions {
  databaseUrl: string;
  maxConnections: number;
  /**
   * Time one call may take, in milliseconds, before its connections are given up; a third more, and it fails. Default
   * 9,000: above the server's own limit of 8 s, which does not help when the server is gone without a word and its
   * connections stay open for a quarter of an hour.
   */
  timeoutMs?: number;
}

type Parameter = string | number | boolean | null;

const STATEMENT_TIMEOUT_MS = 8000;

/**
 * The store over a direct connection. Statements are prepared once per connection, which needs a session or a pooler
 * that knows prepared statements; `?prepare=false` in the URL turns that off for one that does not.
 */
export function createDirectStore(options: DirectStoreOptions): Store {
  const url = new URL(options.databaseUrl);
  const prepare = url.searchParams.get("prepare") !== "false";
  url.searchParams.delete("prepare");
  const connect = () =>
    postgres(url.toString(), {
      max: options.maxConnections,
      prepare,
      connect_timeout: 5,
      // The driver's own waits grow to 20 s, in which a database that is back would not be found.
      backoff: (attempts: number) => Math.min(1, 0.05 * 2 ** attempts),
      idle_timeout: 30,
      onnotice: () => {},
      connection: { application_name: "interlock", statement_timeout: STATEMENT_TIMEOUT_MS },
    });
  let sql = connect();
  const timeoutMs = options.timeoutMs ?? STATEMENT_TIMEOUT_MS + 1000;
  /** Gives up a pool in which a connection does not answer. What else is on its way in it gets a moment to end. */
  const abandon = (stuck: postgres.Sql) => {
    if (stuck === sql) sql = connect();
    stuck.end({ timeout: timeoutMs / 3000 }).catch(() => {});
  };
  const run = async <T>(text: string, values: Parameter[]): Promise<T> => {
    const used = sql;
    const timer = setTimeout(() => abandon(used), timeoutMs);
    try {
      const rows = await used.unsafe(text, values, { prepare });
      return rows[0]?.result as T;
    } catch (error) {
      throw toStoreError(error);
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    parallelCalls: options.maxConnections,
    call<T>(functionName: string, args: Record<string, Json>): Promise<T> {
      const { text, values } = buildCall(functionName, args);
      return run<T>(text, values);
    },
    // The driver would write bytea in hexadecimal: half as much again.
    callWithBytes: <T>(functionName: string, bytes: Uint8Array<ArrayBuffer>) =>
      run<T>(`select public.${checkedName(functionName)}(decode($1, 'base64')) as result`, [
        base64Encode(bytes),
      ]),
    close: () => sql.end({ timeout: 5 }),
  };
}

/**
 * `select public.f(a => $1, b => $2::text::jsonb)`: objects travel as text, so that no driver re-types them. Lists of
 * strings or numbers become Postgres arrays. An empty list says nothing of its items, so its name decides: `..._ids`.
 */
function buildCall(functionName: string, args: Record<string, Json>) {
  const values: Parameter[] = [];
  const named = Object.entries(args).map(([name, value]) => {
    if (!/^[a-z_]+$/.test(name)) throw new TypeError(`"${name}" is no argument name`);
    if (Array.isArray(value) && isPostgresArray(name, value)) {
      values.push(`{${value.map((item) => JSON.stringify(String(item))).join(",")}}`);
      return `${name} => $${values.length}`;
    }
    if (typeof value === "object" && value !== null) {
      values.push(JSON.stringify(value));
      return `${name} => $${values.length}::text::jsonb`;
    }
    values.push(value);
    return `${name} => $${values.length}`;
  });
  return { text: `select public.${checkedName(functionName)}(${named.join(", ")}) as result`, values };
}

function checkedName(functionName: string): string {
  if (!/^[a-z_]+$/.test(functionName)) throw new TypeError(`"${functionName}" is no function name`);
  return functionName;
}

function isPostgresArray(name: string, items: Json[]): boolean {
  if (items.length === 0) return name.endsWith("_ids");
  return items.every((item) => typeof item === "string" || typeof item === "number");
}

function toStoreError(error: unknown): Error {
  const failure = error as { message?: unknown };
  // The server's own words only: a broken socket's EPIPE has the form of a SQLSTATE.
  const sqlState = error instanceof postgres.PostgresError ? error.code : "";
  const message = String(failure.message ?? "no answer");
  return isDataError(sqlState) ? new StoreDataError(sqlState, message) : databaseError({ sqlState, message });
}
