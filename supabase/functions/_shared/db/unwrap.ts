import type { ErrorCode } from "../errors/codes.ts";
import { InterlockError } from "../errors/interlock_error.ts";

/** PostgREST cuts every answer at this many rows without a word. */
export const MAX_ROWS = 1000;

/** The part of a supabase-js result that matters here. */
export interface QueryResult {
  data: unknown;
  error: { code?: string; message: string; hint?: string | null } | null;
  status?: number;
}

/** What a result holds when it is no error: null only where the query may find nothing. */
type DataOf<Result extends QueryResult> = Extract<Result, { error: null }>["data"];

/** How a failed query or RPC is told to the caller. */
export interface DatabaseFailure {
  /** SQLSTATE or PostgREST code; undefined when the database was not reached. */
  sqlState?: string;
  message: string;
  /** HTTP status of the answer; 0 or undefined when there was none. */
  status?: number;
}

const DOMAIN_CODES: Record<string, ErrorCode> = {
  IL400: "MALFORMED_BODY",
  IL403: "FORBIDDEN",
  IL404: "NOT_FOUND",
  IL409: "CONFLICT",
  IL422: "VALIDATION_FAILED",
};

/**
 * The value of a supabase-js result, or an InterlockError: the one place where `{data, error}` is taken apart.
 *
 * A list of exactly {@link MAX_ROWS} rows is refused, because nobody can tell whether it is whole.
 *
 * @throws {InterlockError} the code of a domain error (SQLSTATE IL...), UNAVAILABLE when the database is away,
 * VALIDATION_FAILED for data the schema refuses, CONFLICT for a duplicate, else INTERNAL.
 */
export function unwrap<Result extends QueryResult>(result: Result): DataOf<Result> {
  if (result.error) {
    throw databaseError({
      sqlState: result.error.code,
      message: result.error.message,
      status: result.status,
    });
  }
  if (Array.isArray(result.data) && result.data.length === MAX_ROWS) {
    throw new InterlockError("INTERNAL", "A list was read without pages.", {
      cause: new RangeError(`The answer has ${MAX_ROWS} rows, the most PostgREST gives`),
    });
  }
  return result.data as DataOf<Result>;
}

/** The InterlockError for a failed query, RPC or direct call. */
export function databaseError(failure: DatabaseFailure): InterlockError {
  const { sqlState = "", message, status = 0 } = failure;
  const cause = new Error(`${sqlState || "no SQLSTATE"}: ${message}`);
  const domainCode = DOMAIN_CODES[sqlState];
  if (domainCode) return new InterlockError(domainCode, message, { cause });
  if (isDatabaseAway(sqlState, status)) {
    return new InterlockError("UNAVAILABLE", "The database cannot be reached right now.", {
      cause,
      retryAfterMs: 5000,
    });
  }
  if (sqlState === "23505") return new InterlockError("CONFLICT", "This exists already.", { cause });
  if (sqlState === "42501") return new InterlockError("FORBIDDEN", "You may not do this.", { cause });
  if (isDataError(sqlState)) {
    return new InterlockError("VALIDATION_FAILED", "The database refused a value.", { cause });
  }
  return new InterlockError("INTERNAL", "Something went wrong on our side.", { cause });
}

/**
 * Whether the data is to blame (SQLSTATE classes 22 and 23) and not the database. PGRST102: PostgREST could not read
 * our JSON, which only half a surrogate pair in a text brings about.
 */
export function isDataError(sqlState: string): boolean {
  return /^2[23]/.test(sqlState) || sqlState === "PGRST102";
}

function isDatabaseAway(sqlState: string, status: number): boolean {
  // 08 connection, 53 resources, 57P0x shutdown, 40 serialization and deadlock; PGRST000-003 PostgREST lost its database.
  if (/^(08|53|57P|40)/.test(sqlState) || /^PGRST00[0-3]$/.test(sqlState)) return true;
  // When the connection breaks in the middle of a query, PostgREST answers 400 with an empty code.
  if (sqlState === "") return ![401, 403, 404].includes(status);
  return !/^[0-9A-Z]{5}$/.test(sqlState) && status >= 500;
}
