import assert from "node:assert/strict";
import { createLogger } from "../../supabase/functions/_shared/log.ts";
import { hubStore, type Store } from "../../supabase/functions/_shared/db/store.ts";
import type { PlainJson } from "../../supabase/functions/_shared/providers/source.ts";
import { runSlice } from "../../supabase/functions/_shared/sync/slice.ts";
import { SLICE_LIMITS, type SliceLimits } from "../../supabase/functions/_shared/sync/slice_limits.ts";
import type { SyncRun } from "../../supabase/functions/_shared/sync/run_answer.ts";
import { startSync } from "../../supabase/functions/_shared/sync/start_sync.ts";
import type { ContractSubject, RunningSubject } from "../support/contract_subject.ts";
import { connect } from "../support/channels.ts";
import { sql } from "../support/stack.ts";
import { syncedConnectors } from "../support/synced_connectors.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";

const log = createLogger("contract");
const MAX_SLICES = 400;
const ONE_PAGE: SliceLimits = { ...SLICE_LIMITS, maxPages: 1 };

/** A connector of one subject: what the hub has of it, and slices of its runs, one page each, taken here. */
export class Synced {
  constructor(
    readonly subject: ContractSubject,
    readonly provider: RunningSubject,
    readonly tenant: TestTenant,
    readonly connectorId: string,
  ) {}

  static async connect(subject: ContractSubject, provider: RunningSubject): Promise<Synced> {
    const tenant = await createTenant();
    const connector = await connect(tenant, {
      type: subject.type,
      config: provider.config,
      credentials: provider.secrets,
      orgId: tenant.orgs[0],
    });
    return new Synced(subject, provider, tenant, connector.id);
  }

  /** Starts a run of the subject's stream and takes no slice of it. */
  async start(
    mode: "full" | "incremental" = "incremental",
    parameters: { [name: string]: PlainJson } = {},
  ): Promise<SyncRun> {
    return await startSync({
      tenantId: this.tenant.id,
      orgId: null,
      userId: null,
      connectorId: this.connectorId,
      streams: [this.subject.stream],
      mode,
      parameters,
      functionName: this.subject.functionName,
      isRung: false,
      requestId: crypto.randomUUID(),
    });
  }

  /** One slice, of one page unless it is said otherwise. Nobody else is called for the next one. */
  async slice(
    runId: string,
    store: Pick<Store, "call"> = quiet(),
    limits: SliceLimits = ONE_PAGE,
  ): Promise<SyncRun> {
    await sql`update public.sync_runs set next_slice_at = clock_timestamp() where id = ${runId} and finished_at is null`;
    const run = await runSlice(runId, this.subject.functionName, log, {
      connectors: syncedConnectors,
      limits,
      store,
    });
    return run!;
  }

  /** A run from its start to its end, in slices of one page; `between` them something may happen. */
  async run(
    mode: "full" | "incremental" = "incremental",
    between: (slice: number) => void | Promise<void> = () => {},
  ): Promise<SyncRun> {
    const { run_id: runId } = await this.start(mode);
    return await this.finish(runId, between);
  }

  /** Takes slices until the run has ended. */
  async finish(runId: string, between: (slice: number) => void | Promise<void> = () => {}): Promise<SyncRun> {
    for (let slice = 1; slice <= MAX_SLICES; slice++) {
      const run = await this.slice(runId);
      if (run.finished_at !== null) return run;
      await between(slice);
    }
    throw new Error(`The run did not end within ${MAX_SLICES} slices`);
  }

  /** A run that must complete. */
  async complete(
    mode: "full" | "incremental" = "incremental",
    between?: (slice: number) => void | Promise<void>,
  ): Promise<SyncRun> {
    const run = await this.run(mode, between);
    assert.equal(run.status, "completed", JSON.stringify(run));
    return run;
  }

  /** What takes every deletion in: some providers tell of them in a full read only. */
  async settle(): Promise<void> {
    await this.complete(this.subject.deletions === "full" ? "full" : "incremental");
  }

  /** What the hub holds, by external id. */
  async held(): Promise<Map<string, Record<string, unknown>>> {
    const rows = await sql`select to_jsonb(t) as row from ${sql(`public.${this.subject.table}`)} t
      where t.tenant_id = ${this.tenant.id} and t.connector_id = ${this.connectorId} and t.deleted_at is null`;
    const own = rows.map(({ row }) => row as Record<string, unknown>)
      .filter((row) => row.stream === undefined || row.stream === this.subject.stream);
    return new Map(own.map((row) => [row.external_id as string, row]));
  }

  /** That the hub holds exactly what the provider has. */
  async assertExact(when: string): Promise<void> {
    const held = await this.held();
    const wanted = this.provider.state();
    assert.deepEqual([...held.keys()].sort(), [...wanted.keys()].sort(), `${when}: which records`);
    for (const [id, values] of wanted) {
      const row = held.get(id)!;
      const same = Object.fromEntries(Object.keys(values).map((column) => [column, comparable(row[column])]));
      const expected = Object.fromEntries(
        Object.entries(values).map(([key, value]) => [key, comparable(value)]),
      );
      assert.deepEqual(same, expected, `${when}: values of ${id}`);
    }
  }

  /** Events of the stream's entity, by what happened. */
  async events(): Promise<Record<string, number>> {
    const rows = await sql`select event_type, count(*)::int as events from public.integration_events_outbox
      where tenant_id = ${this.tenant.id} and entity_type = ${this.subject.entityType} group by event_type`;
    return Object.fromEntries(rows.map(({ event_type, events }) => [event_type.split(".").at(-1), events]));
  }

  /** The connector as it stands. */
  async connector(): Promise<{ status: string; last_error: string | null; notices: number }> {
    const [row] = await sql`select c.status, c.last_error,
      (select count(*)::int from public.notifications n where n.tenant_id = c.tenant_id) as notices
      from public.integration_connectors c where c.id = ${this.connectorId}`;
    return { status: row!.status, last_error: row!.last_error, notices: row!.notices };
  }

  /** As after a worker that disappeared: its lease has run out. */
  async expireLease(runId: string): Promise<void> {
    await sql`update public.sync_runs set lease_until = clock_timestamp() - interval '1 second' where id = ${runId}`;
  }
}

/** The hub's own functions are not called for the next slice: it is taken here. */
export function quiet(): Pick<Store, "call"> {
  const store = hubStore();
  return {
    call: (name, args) => {
      const result = name === "finish_sync_slice" ? JSON.parse(args.p_result as string) : null;
      if (result?.kind !== "continue") return store.call(name, args);
      return store.call(name, {
        ...args,
        p_result: JSON.stringify({ kind: "wait", wait_ms: 0, is_failure: false }),
      });
    },
  };
}

/** Instants are the same however they are written. */
function comparable(value: unknown): unknown {
  const isInstant = typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(value);
  return isInstant ? new Date(value).getTime() : value ?? null;
}

/** Numbers from 0 to below 1, the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * A test with a provider and a connector of it. The connector is gone in the end: the schedule would take up what it was
 * left with, and use up what the next test plans at the same port.
 */
export async function withSynced(
  subject: ContractSubject,
  test: (synced: Synced, provider: RunningSubject) => Promise<void>,
): Promise<void> {
  const provider = await subject.start();
  try {
    const synced = await Synced.connect(subject, provider);
    try {
      await test(synced, provider);
    } finally {
      await sql`delete from public.integration_connectors where tenant_id = ${synced.tenant.id}`;
    }
  } finally {
    await provider.stop();
  }
}
