import type { Json, Store } from "./store.ts";
import { StoreDataError } from "./store_data_error.ts";
import { databaseError, isDataError } from "./unwrap.ts";

/** Where PostgREST is and the secret key that opens it. */
export interface PostgrestStoreOptions {
  /** For example https://<ref>.supabase.co/rest/v1, without a slash at the end. */
  restUrl: string;
  secretKey: string;
  /** Time one call may take, in milliseconds. Default 15,000: above PostgREST's own statement timeout of 8 s. */
  timeoutMs?: number;
}

/** The store over PostgREST: one POST per call, nothing parsed twice. */
export function createPostgrestStore(options: PostgrestStoreOptions): Store {
  return {
    // Most of what a call takes is PostgREST's own work: what comes meanwhile shares the next one.
    parallelCalls: 1,
    call: <T>(functionName: string, args: Record<string, Json>) =>
      post<T>(options, functionName, "application/json", JSON.stringify(args)),
    // PostgREST hands such a body to a function with one unnamed bytea as it is.
    callWithBytes: <T>(functionName: string, bytes: Uint8Array<ArrayBuffer>) =>
      post<T>(options, functionName, "application/octet-stream", bytes),
    close: () => Promise.resolve(),
  };
}

async function post<T>(
  { restUrl, secretKey, timeoutMs = 15_000 }: PostgrestStoreOptions,
  functionName: string,
  contentType: string,
  body: string | Uint8Array<ArrayBuffer>,
): Promise<T> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${restUrl}/rpc/${functionName}`, {
      method: "POST",
      headers: { apikey: secretKey, "content-type": contentType },
      body,
      signal: AbortSignal.timeout(timeoutMs),
    });
    text = await response.text();
  } catch (error) {
    throw databaseError({ message: error instanceof Error ? error.message : "no answer" });
  }
  if (response.ok) return (text === "" ? null : JSON.parse(text)) as T;
  const failure = parseFailure(text);
  if (isDataError(failure.code)) throw new StoreDataError(failure.code, failure.message);
  throw databaseError({ sqlState: failure.code, message: failure.message, status: response.status });
}

function parseFailure(text: string): { code: string; message: string } {
  try {
    const parsed = JSON.parse(text) as { code?: unknown; message?: unknown };
    return { code: String(parsed.code ?? ""), message: String(parsed.message ?? "") };
  } catch {
    return { code: "", message: "The answer was no JSON" };
  }
}
