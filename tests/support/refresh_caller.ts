// deno-lint-ignore-file no-console -- standard output is how it answers
/**
 * A process that wants the credentials of a connector, many times at once: run by tests/race/token_refresh_test.ts, with
 * a JSON argument and the environment of a function.
 *
 * @module
 */
import { validSecrets } from "../../supabase/functions/_shared/connectors/access_tokens.ts";
import type { StoredConnector } from "../../supabase/functions/_shared/connectors/token_lease.ts";
import { createLogger } from "../../supabase/functions/_shared/log.ts";
import { ProviderError } from "../../supabase/functions/_shared/providers/provider_error.ts";

/** What it is told. */
export interface CallerTask {
  connector: StoredConnector;
  callers: number;
  /** What the provider refused. */
  refused?: unknown;
}

/** What came of it: for each caller the access token, or the class of the failure. */
export interface CallerResult {
  tokens: string[];
  failures: string[];
}

/** What it prints once it is up. It begins when its standard input ends. */
export const READY = "ready\n";

if (import.meta.main) {
  const { connector, callers, refused } = JSON.parse(Deno.args[0]!) as CallerTask;
  const log = createLogger("refresh-caller").with({});
  const quiet = { ...log, debug() {}, info() {}, warn() {}, error() {}, with: () => quiet };
  const result: CallerResult = { tokens: [], failures: [] };
  await Deno.stdout.write(new TextEncoder().encode(READY));
  await new Response(Deno.stdin.readable).bytes();
  await Promise.all(Array.from({ length: callers }, async () => {
    try {
      const secrets = await validSecrets(connector, { refused, log: quiet }) as Record<string, string>;
      result.tokens.push(secrets.access_token ?? secrets.bot_token ?? "");
    } catch (error) {
      result.failures.push(error instanceof ProviderError ? error.errorClass : String(error));
    }
  }));
  console.log(JSON.stringify(result));
  Deno.exit(0);
}
