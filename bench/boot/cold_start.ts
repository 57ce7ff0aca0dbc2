import { join } from "node:path";
import { root, startListener, usageOf } from "../measure/processes.ts";
import type { Bundle } from "./modules.ts";
import type { Subject, Way } from "./subjects.ts";

/** One process from its spawn to its first answer. */
export interface ColdStart {
  /** From the spawn until the first answer is read to its end. */
  readyMs: number;
  /** Processor time of all its threads until then, in steps of 10 ms. */
  cpuMs: number;
  /** Memory it holds then. */
  rssMb: number;
}

const HOST = ["--config", join(root, "supabase/functions/deno.json"), "local/function_host.ts"];

/** What a function must find to boot; nothing listens there, and the first request needs nothing of it. */
const ENVIRONMENT = {
  SUPABASE_URL: "http://127.0.0.1:9",
  SUPABASE_SECRET_KEYS: JSON.stringify({ default: "sb_secret_bench", hub: "sb_secret_bench_hub" }),
  SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: "sb_publishable_bench" }),
  SUPABASE_JWKS: JSON.stringify({ keys: [] }),
  SUPABASE_SERVICE_ROLE_KEY: "bench",
  INTERLOCK_LOG_LEVEL: "error",
};

/**
 * Starts a process, asks it once without credentials, reads the refusal and ends it. A refusal comes from the function's
 * own code, but needs neither database nor network: what is measured is loading and starting, for every function alike.
 *
 * @throws {Error} when the answer is a failure, or not the function's own.
 */
export async function startCold(subject: Subject, way: Way, bundle: Bundle | undefined): Promise<ColdStart> {
  const startedMs = performance.now();
  const listener = await startListener(argumentsOf(subject, way, bundle), ENVIRONMENT);
  try {
    const url = `http://127.0.0.1:${listener.port}/${subject.kind === "function" ? subject.name : ""}`;
    const answer = await fetch(url, { method: "POST", headers: { connection: "close" }, body: "{}" });
    const text = await answer.text();
    const readyMs = performance.now() - startedMs;
    const isOwn = subject.kind !== "function" || answer.headers.has("x-request-id");
    if (answer.status >= 500 || !isOwn) {
      throw new Error(`${subject.name} (${way}) answered ${answer.status}: ${text.slice(0, 300)}`);
    }
    return { readyMs, ...await usageOf(listener.pid) };
  } finally {
    await listener.stop();
  }
}

function argumentsOf(subject: Subject, way: Way, bundle: Bundle | undefined): string[] {
  const cache = way === "source" ? [] : ["--no-code-cache"];
  if (subject.entrypoint === null) return [...cache, ...HOST.slice(0, 2), ...subject.args];
  const path = way.startsWith("bundle") ? bundle!.path : subject.entrypoint;
  return [...cache, ...HOST, `file://${path}`];
}
