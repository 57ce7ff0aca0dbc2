import { functionEnvironment } from "../../local/function_environment.ts";
import type { Stack } from "../../local/stack.ts";
import { type Listener, root, startListener } from "./processes.ts";

/** How a function reaches the database: a pooled connection of its own, or PostgREST behind the gateway. */
export type Transport = "direct connection" | "PostgREST";

/** Variables of a function that runs beside a stack instead of inside it. */
export function environmentBeside(stack: Stack, transport: Transport): Record<string, string> {
  return functionEnvironment({
    ...stack,
    roleTokens: [],
    extra: {
      INTERLOCK_LOG_LEVEL: "warn",
      INTERLOCK_EGRESS_ALLOW_LOCAL: "1",
      INTERLOCK_WEBHOOK_RATE_LIMIT: "100000",
      INTERLOCK_TENANT_RATE_LIMIT: "100000",
      INTERLOCK_DB_URL: transport === "direct connection" ? stack.dbUrl : "",
    },
  });
}

/** Starts one function in a process of its own, without the gateway in front: what is measured is the function. */
export function startFunction(stack: Stack, name: string, transport: Transport): Promise<Listener> {
  const entrypoint = `file://${root}supabase/functions/${name}/index.ts`;
  const args = ["--config", "supabase/functions/deno.json", "local/function_host.ts", entrypoint];
  return startListener(args, environmentBeside(stack, transport));
}
