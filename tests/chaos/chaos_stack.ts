import postgres from "postgres";
import { type Demo, describeDemo } from "../../local/demo.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import { fillFromPrepared } from "../support/prepared_data.ts";
import { FaultControl } from "./fault_control.ts";

/** A stack of the rig's own, whose workers ask the rig at every fault point. */
export interface ChaosStack {
  stack: Stack;
  demo: Demo;
  control: FaultControl;
  /** As superuser: the rig looks behind every wall, and sets clocks forward. */
  sql: postgres.Sql;
  /**
   * Wakes a drainer as its schedule would, by default through the gateway. The rig does not wait half a minute for the
   * schedule's next tick.
   */
  wake(functionName: string, port?: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts it. */
export async function startChaosStack(): Promise<ChaosStack> {
  const dataDir = await Deno.makeTempDir({ prefix: "interlock-chaos-" });
  await Deno.chmod(dataDir, 0o755);
  await fillFromPrepared("migrated", dataDir);
  const control = new FaultControl();
  const stack = await startStack({
    dataDir,
    port: 0,
    faultControlUrl: control.url,
    functionEnv: { INTERLOCK_EGRESS_ALLOW_LOCAL: "1" },
  });
  const sql = postgres(stack.adminDbUrl, { max: 2, onnotice: () => {}, backoff: () => 0.1 });
  return {
    stack,
    demo: await describeDemo(stack),
    control,
    sql,
    async wake(functionName, port) {
      const base = port === undefined ? `${stack.apiUrl}/functions/v1` : `http://127.0.0.1:${port}`;
      const answer = await fetch(`${base}/${functionName}`, {
        method: "POST",
        headers: { apikey: stack.hubKey, "content-type": "application/json" },
        body: JSON.stringify({ reason: "schedule" }),
      });
      await answer.body?.cancel();
    },
    async stop() {
      await sql.end({ timeout: 1 });
      await stack.stop();
      await control.stop();
      await Deno.remove(dataDir, { recursive: true });
    },
  };
}

export function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
