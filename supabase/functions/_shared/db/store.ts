import { environment } from "../env.ts";
import { createPostgrestStore } from "./postgrest_store.ts";

/** JSON that a stored function takes or gives. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json | undefined };

/**
 * Calls SQL functions on the hot paths. Two transports speak for the same functions: PostgREST, which every project
 * has, and a direct pooled connection where INTERLOCK_DB_URL is set.
 */
export interface Store {
  /** How many calls beside each other it makes sense to have. */
  readonly parallelCalls: number;
  /**
   * Calls `public.<functionName>` with named arguments and answers its result.
   *
   * @throws {InterlockError} as `databaseError` says; its cause names the SQLSTATE.
   * @throws {StoreDataError} when the data is to blame (SQLSTATE 22xxx, 23xxx): a batch may be retried one by one.
   */
  call<T>(functionName: string, args: Record<string, Json>): Promise<T>;
  /**
   * Calls a function whose one argument is an unnamed `bytea`: for what would be dear to escape.
   *
   * @throws {InterlockError} and {StoreDataError} as `call` does.
   */
  callWithBytes<T>(functionName: string, bytes: Uint8Array<ArrayBuffer>): Promise<T>;
  /** Gives connections back. */
  close(): Promise<void>;
}

let store: Store | undefined;

/** The store of this process: direct where INTERLOCK_DB_URL is set, else PostgREST. */
export function hubStore(): Store {
  if (store) return store;
  const { INTERLOCK_DB_URL, INTERLOCK_DB_MAX_CONNECTIONS, SUPABASE_URL, SUPABASE_SECRET_KEYS } =
    environment();
  if (INTERLOCK_DB_URL) {
    const options = { databaseUrl: INTERLOCK_DB_URL, maxConnections: INTERLOCK_DB_MAX_CONNECTIONS };
    store = openedAtFirstCall(
      INTERLOCK_DB_MAX_CONNECTIONS,
      async () => (await import("./direct_store.ts")).createDirectStore(options),
    );
    return store;
  }
  const secretKey = SUPABASE_SECRET_KEYS.default ?? Object.values(SUPABASE_SECRET_KEYS)[0];
  if (!secretKey) throw new TypeError("SUPABASE_SECRET_KEYS holds no key");
  store = createPostgrestStore({ restUrl: `${SUPABASE_URL.replace(/\/+$/, "")}/rest/v1`, secretKey });
  return store;
}

/** A store whose code is loaded when it is first used: a boot that does not need the driver does not pay for it. */
function openedAtFirstCall(parallelCalls: number, open: () => Promise<Store>): Store {
  let opened: Promise<Store> | undefined;
  return {
    parallelCalls,
    async call<T>(functionName: string, args: Record<string, Json>): Promise<T> {
      opened ??= open();
      return await (await opened).call<T>(functionName, args);
    },
    async callWithBytes<T>(functionName: string, bytes: Uint8Array<ArrayBuffer>): Promise<T> {
      opened ??= open();
      return await (await opened).callWithBytes<T>(functionName, bytes);
    },
    async close() {
      await (await opened)?.close();
    },
  };
}
