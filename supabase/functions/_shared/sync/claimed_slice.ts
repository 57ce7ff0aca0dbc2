import * as z from "zod";
import type { Store } from "../db/store.ts";
import type { ConnectorRow } from "../connectors/connector_row.ts";
import type { Cursor } from "../providers/source.ts";
import { runSchema, type SyncRun } from "./run_answer.ts";
import { LEASE_MS } from "./slice_limits.ts";

/** The source reads what is in it; walking through some 100 KB of it here as well would say nothing new. */
const cursorSchema = z.custom<Cursor>((value) => typeof value === "object" && !Array.isArray(value));

const claimSchema = z.discriminatedUnion("outcome", [
  z.object({ outcome: z.literal("unknown") }),
  z.object({ outcome: z.enum(["finished", "busy"]), run: runSchema }),
  z.object({
    outcome: z.literal("claimed"),
    run: runSchema,
    lease_token: z.string(),
    tenant_id: z.string(),
    streams_begun: z.array(z.string()),
    failures_in_a_row: z.number(),
    connector: z.object({ type: z.string(), config: z.unknown(), secret_ref: z.string().nullable() }),
    cursors: z.record(
      z.string(),
      z.object({
        cursor: cursorSchema.nullable(),
        pass_state: z.enum(["open", "sweeping", "closed"]),
      }),
    ),
  }),
]);

/** What a slice begins with. */
export interface ClaimedSlice {
  run: SyncRun;
  leaseToken: string;
  connector: ConnectorRow;
  failuresInARow: number;
  /** Where each stream stands; changes as pages are stored. */
  positions: Map<string, { cursor: Cursor | null; isSweeping: boolean }>;
  /** Streams of which this run has read a page. */
  streamsBegun: Set<string>;
}

/** What came of asking for a slice: it, or the run as it is; null = there is no such run. */
export type Claim = { slice: ClaimedSlice } | { run: SyncRun } | null;

/** Takes the lease of a run, unless another slice has it, it waits, or it is another function's turn. */
export async function claimSlice(
  store: Pick<Store, "call">,
  runId: string,
  functionName: string,
): Promise<Claim> {
  const answer = claimSchema.parse(
    await store.call("claim_sync_slice", {
      p_run_id: runId,
      p_function_name: functionName,
      p_lease_ms: LEASE_MS,
    }),
  );
  if (answer.outcome === "unknown") return null;
  if (answer.outcome !== "claimed") return { run: answer.run };
  const positions = Object.entries(answer.cursors).map(([stream, { cursor, pass_state }]) =>
    [stream, { cursor, isSweeping: pass_state === "sweeping" }] as const
  );
  return {
    slice: {
      run: answer.run,
      leaseToken: answer.lease_token,
      connector: {
        tenantId: answer.tenant_id,
        connectorId: answer.run.connector_id,
        type: answer.connector.type,
        config: answer.connector.config,
        secretRef: answer.connector.secret_ref,
      },
      failuresInARow: answer.failures_in_a_row,
      positions: new Map(positions),
      streamsBegun: new Set(answer.streams_begun),
    },
  };
}
