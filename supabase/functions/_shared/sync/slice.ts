import { type OpenConnector, openConnector } from "../connectors/open_connector.ts";
import { hubStore, type Store } from "../db/store.ts";
import { errorFields, type Logger } from "../log.ts";
import { ProviderError } from "../providers/provider_error.ts";
import type { Page, Source } from "../providers/source.ts";
import type { SyncedConnector } from "../providers/synced_connector.ts";
import { onWorkerEnding } from "../runtime.ts";
import { type ClaimedSlice, claimSlice } from "./claimed_slice.ts";
import { judgeFailure } from "./failure.ts";
import { runSchema, type SyncRun } from "./run_answer.ts";
import { LEASE_MS, SLICE_LIMITS, type SliceLimits } from "./slice_limits.ts";
import { type Lease, type StoredPage, storePage } from "./store_page.ts";

type AnySource = Source<unknown, unknown>;

/** How a slice ends, as `finish_sync_slice` takes it. */
type SliceEnd =
  | { kind: "completed" | "cancelled" }
  | { kind: "failed"; error_class: string; error: string }
  | { kind: "continue"; function_name: string }
  | { kind: "wait"; error_class: string; error: string; is_failure: boolean; wait_ms: number }
  /** Another slice holds the run: nothing is written any more. */
  | { kind: "lost" };

/** Records that a sweep deletes in one transaction. */
const SWEEP_ROWS = 5000;

/** What a slice is made of. */
export interface SliceOptions {
  /** Kinds of connector that this function reads. */
  connectors: SyncedConnector[];
  limits?: SliceLimits;
  store?: Pick<Store, "call">;
}

let isWorkerEnding = false;
onWorkerEnding(() => void (isWorkerEnding = true));

/**
 * One slice of a run: page by page until the streams are at their end, the slice's limits are met, or something fails.
 * Every page is stored with its checkpoint before the next one is, so that a slice may be cut off anywhere. While one is
 * stored the next one is read, at most one ahead: what is asked depends on the checkpoint alone, and that is known.
 *
 * @returns the run as it stands afterwards; null when there is no such run.
 */
export async function runSlice(
  runId: string,
  functionName: string,
  log: Logger,
  options: SliceOptions,
): Promise<SyncRun | null> {
  const store = options.store ?? hubStore();
  const claim = await claimSlice(store, runId, functionName);
  if (claim === null || "run" in claim) return claim?.run ?? null;
  const { slice } = claim;
  const runLog = log.with({ run_id: runId, tenant_id: slice.connector.tenantId });
  const end = await new Slice(store, slice, functionName, options, runLog).work();
  if (end.kind === "lost") {
    runLog.warn("another slice has taken this run");
    return slice.run;
  }
  const finished = await store.call<{ run?: unknown }>("finish_sync_slice", {
    p_run_id: runId,
    p_lease_token: slice.leaseToken,
    p_result: JSON.stringify({ ...end, errors: errorsOf(end) }),
  });
  return finished.run === undefined ? slice.run : runSchema.parse(finished.run);
}

function errorsOf(end: SliceEnd): { code: string; message: string }[] | undefined {
  return "error" in end ? [{ code: end.error_class, message: end.error }] : undefined;
}

class Slice {
  readonly #startedMs = Date.now();
  /** Read so far, and their records; the last one may not be stored yet. */
  #pages = 0;
  #records = 0;
  #hasStored = false;

  constructor(
    private readonly store: Pick<Store, "call">,
    private readonly slice: ClaimedSlice,
    private readonly functionName: string,
    private readonly options: SliceOptions,
    private readonly log: Logger,
  ) {}

  async work(): Promise<SliceEnd> {
    try {
      const synced = this.#synced();
      const opened = openConnector(synced.definition, this.slice.connector, this.log);
      const sources = await this.#plan(synced.sources(opened.connection.config));
      const done = new Set(this.slice.run.streams_done);
      for (const source of sources) {
        if (done.has(source.stream)) continue;
        if (source.functionName !== this.functionName) {
          return { kind: "continue", function_name: source.functionName };
        }
        const end = await this.#readStream(source, opened);
        if (end) return end;
      }
      return { kind: "completed" };
    } catch (error) {
      if (!(error instanceof ProviderError)) this.log.error("slice failed", errorFields(error));
      const judged = judgeFailure(error, this.#hasStored ? 0 : this.slice.failuresInARow);
      this.log.warn("slice ends early", { reason: judged.error_class, error_message: judged.error });
      return judged;
    }
  }

  #synced(): SyncedConnector {
    const { type } = this.slice.connector;
    const synced = this.options.connectors.find(({ definition }) => definition.type === type);
    if (synced) return synced;
    throw new ProviderError(
      "misconfigured",
      `Connectors of type ${type} are not synced by ${this.functionName}.`,
    );
  }

  /** What the run reads, in order; written down at its first slice, so that new settings do not change a run. */
  async #plan(available: AnySource[]): Promise<AnySource[]> {
    const wanted = this.slice.run.streams ?? available.map(({ stream }) => stream);
    if (wanted.length === 0) {
      throw new ProviderError("misconfigured", "The connector's settings name nothing to sync.");
    }
    if (this.slice.run.streams === null) {
      await this.store.call("plan_sync_run", { ...this.#lease(), p_streams: wanted });
    }
    // A stream that the settings do not name any more is not read.
    const named = available.filter(({ stream }) => wanted.includes(stream));
    if (named.length > 0) return named;
    throw new ProviderError(
      "misconfigured",
      `The connector's settings do not name what is to be synced: ${wanted.join(", ")}.`,
    );
  }

  async #readStream(source: AnySource, opened: OpenConnector): Promise<SliceEnd | null> {
    const { stream } = source;
    let beginsPass = this.slice.run.mode === "full" && !this.slice.streamsBegun.has(stream);
    let hasStartedOver = false;
    let ahead: Promise<Page> | null = null;
    while (true) {
      const position = this.slice.positions.get(stream);
      if (position?.isSweeping && !beginsPass) {
        const end = await this.#sweep(source);
        // A run before this one has left the sweep; what has changed since is still to be read.
        if (end || this.slice.streamsBegun.has(stream)) return end;
        position.isSweeping = false;
        continue;
      }
      if (!ahead && this.#isOver(opened)) return { kind: "continue", function_name: this.functionName };
      const cursor = beginsPass ? null : position?.cursor ?? null;
      let page: Page;
      try {
        page = await (ahead ?? this.#read(source, opened, cursor));
      } catch (error) {
        const isExpired = error instanceof ProviderError && error.errorClass === "cursor_expired";
        if (!isExpired || hasStartedOver) throw error;
        this.log.info("the checkpoint is not valid any more; everything is read anew", { reason: stream });
        hasStartedOver = beginsPass = true;
        ahead = null;
        continue;
      }
      refuseStandstill(cursor, page);
      const isFirstOfPass = cursor === null || page.beginsPass === true;
      let stored: StoredPage;
      ({ stored, ahead } = await this.#store(source, opened, page, isFirstOfPass));
      if (stored.outcome !== "applied") return { kind: stored.outcome };
      beginsPass = false;
      this.slice.streamsBegun.add(stream);
      const isSweeping = stored.pass_state === "sweeping";
      this.slice.positions.set(stream, { cursor: page.cursor, isSweeping });
      if (stored.is_stream_done) return null;
    }
  }

  /**
   * Stores a page and, meanwhile, reads the one behind it, if there is one that this slice is going to store. A page behind
   * one that was not stored is forgotten, and nothing of it is under way any more when this returns or throws.
   */
  async #store(
    source: AnySource,
    opened: OpenConnector,
    page: Page,
    isFirstOfPass: boolean,
  ): Promise<{ stored: StoredPage; ahead: Promise<Page> | null }> {
    this.#pages++;
    this.#records += page.records.length + Math.ceil((page.presentIds?.length ?? 0) / 10);
    const storing = storePage(this.store, this.#lease(), source, page, isFirstOfPass);
    // What completes a pass is followed by its sweep.
    const isFollowed = page.hasMore && !page.completesPass && !this.#isOver(opened);
    const ahead = isFollowed ? this.#read(source, opened, page.cursor, storing) : null;
    // Its failure counts where it is waited for, behind the page that is being stored.
    const settled = ahead?.then(() => {}, () => {});
    const isStored = await storing.then(({ outcome }) => outcome === "applied", () => false);
    if (!isStored) await settled;
    this.#hasStored ||= isStored;
    return { stored: await storing, ahead };
  }

  /** @param storing - the page before it, as long as that is being stored. */
  async #read(
    source: AnySource,
    { connection }: OpenConnector,
    cursor: Page["cursor"] | null,
    storing?: Promise<unknown>,
  ): Promise<Page> {
    return await source.read({
      connection,
      cursor,
      parameters: this.slice.run.parameters as Page["cursor"],
      storedCount: async () => {
        await storing;
        return await this.store.call<number>("count_synced", {
          p_run_id: this.slice.run.run_id,
          p_stream: source.stream,
          p_table: source.table,
        });
      },
    });
  }

  /** Deletes what a completed pass has not seen, in portions; the source is asked nothing meanwhile. */
  async #sweep(source: AnySource): Promise<SliceEnd | null> {
    while (true) {
      const swept = await this.store.call<{ outcome: string; left: number; stored: number }>(
        "sweep_sync_pass",
        {
          ...this.#lease(),
          p_stream: source.stream,
          p_table: source.table,
          p_entity_type: source.entityType,
          p_limit: SWEEP_ROWS,
        },
      );
      if (swept.outcome === "lost") return { kind: "lost" };
      if (swept.outcome === "refused") {
        return {
          kind: "failed",
          error_class: "too_many_deletions",
          error:
            `${swept.left} of ${swept.stored} records of ${source.stream} are not at the provider any more; nothing was deleted. If that is right, sync in full with accept_deletions.`,
        };
      }
      if (swept.left === 0) return null;
    }
  }

  #lease(): Lease {
    return {
      p_run_id: this.slice.run.run_id,
      p_lease_token: this.slice.leaseToken,
      p_lease_ms: LEASE_MS,
    };
  }

  #isOver({ traffic }: OpenConnector): boolean {
    const { maxPages, maxRecords, maxBytes, maxRequests, maxWallMs } = this.options.limits ?? SLICE_LIMITS;
    return isWorkerEnding || this.#pages >= maxPages || this.#records >= maxRecords ||
      traffic.receivedBytes >= maxBytes || traffic.requests >= maxRequests ||
      Date.now() - this.#startedMs >= maxWallMs;
  }
}

/** A source that says there is more and stays where it is would be read for ever. */
function refuseStandstill(cursor: Page["cursor"] | null, page: Page): void {
  if (!page.hasMore || cursor === null || JSON.stringify(page.cursor) !== JSON.stringify(cursor)) return;
  throw new ProviderError(
    "malformed_answer",
    "The provider says that there is more, and gives the same page again.",
  );
}
