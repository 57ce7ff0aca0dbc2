import { environment } from "../../supabase/functions/_shared/env.ts";

/**
 * Gives the shared modules of this test file an environment, which they read once, and leaves the process's own as it
 * was: other files run in it too.
 */
export function withHubEnvironment(values: Record<string, string>): void {
  const all: Record<string, string> = {
    SUPABASE_URL: "http://127.0.0.1:1",
    SUPABASE_SECRET_KEYS: '{"default":"sb_secret_unused"}',
    INTERLOCK_LOG_LEVEL: "error",
    ...values,
  };
  const before = Object.keys(all).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(all)) Deno.env.set(name, value);
  environment();
  for (const [name, value] of before) value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
}
