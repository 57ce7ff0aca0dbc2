import type postgres from "postgres";
import { createDirectStore } from "../../supabase/functions/_shared/db/direct_store.ts";
import { DeliveryWorker } from "../../supabase/functions/_shared/delivery/delivery_worker.ts";
import type { sendRequest } from "../../supabase/functions/_shared/guardrails/egress/egress.ts";
import type { Logger } from "../../supabase/functions/_shared/log.ts";
import { guardianPayload } from "../../supabase/functions/_shared/meta/guardian_payload.ts";
import { withBareStack } from "./bare_stack.ts";

/** One integration, and the only worker there is, which works when the test says so. */
export interface LoneWorker {
  sql: postgres.Sql;
  integrationId: string;
  /** Writes an event that the integration wants. */
  produce(): Promise<void>;
  /** Lets what waits be due, and answers the only open delivery once the worker has tried it. */
  attempt(): Promise<Attempted>;
}

/** A delivery after an attempt. */
export interface Attempted {
  status: string;
  statusCode: number | null;
  errorClass: string | null;
  /**
   * The wait that was decided, in milliseconds of the database's clock: no less than the first and no more than the
   * second, which differ by what the attempt took.
   */
  waitMs: [number, number];
}

/** How the worker reaches the outside, and what the integration is told. */
export interface LoneWorkerOptions {
  send: typeof sendRequest;
  config: Record<string, unknown>;
}

const QUIET: Logger = { debug() {}, info() {}, warn() {}, error() {}, with: () => QUIET };

/** Runs a test on a stack where nobody works but one worker in this process. */
export async function withLoneWorker(
  { send, config }: LoneWorkerOptions,
  test: (lone: LoneWorker) => Promise<void>,
): Promise<void> {
  await withBareStack(async ({ stack, sql, admin }) => {
    const store = createDirectStore({ databaseUrl: stack.dbUrl, maxConnections: 1 });
    const worker = new DeliveryWorker(store, new Map([["guardian_meta", guardianPayload]]), send);
    const [tenant] = await sql`insert into public.tenants (name, slug) values ('Lone', 'lone') returning id`;
    const [integration] = await sql`select public.create_guardian_meta_integration(
      ${tenant!.id}, 'lone', 'Lone', null, true, ${sql.json(config as postgres.JSONValue)}, null, ${[
      "readiness",
    ]}, '{}',
      'whsec_c2FtcGxlLXNhbXBsZS1zYW1wbGUtc2FtcGxlLXNhbXBsZQ==', null) ->> 'id' as id`;
    const nowMs = async () =>
      (await sql`select extract(epoch from clock_timestamp())::float * 1000 as now_ms`)[0]!.now_ms as number;
    try {
      await test({
        sql,
        integrationId: integration!.id,
        produce: async () => {
          await sql`insert into public.guardian_readiness_snapshots (tenant_id, overall_score, band)
            values (${tenant!.id}, 1, 'baseline')`;
        },
        attempt: async () => {
          await admin`update private.delivery_queue set due_at = clock_timestamp() where not is_ready`;
          await admin`update private.delivery_lanes set not_before = '-infinity'`;
          const beforeMs = await nowMs();
          await worker.round(0, QUIET);
          await worker.settle(QUIET);
          const afterMs = await nowMs();
          const [row] = await sql`select status, last_status_code, last_error_class,
              extract(epoch from next_attempt_at)::float * 1000 as next_ms
            from public.guardian_meta_webhook_events order by created_at desc, id limit 1`;
          return {
            status: row!.status,
            statusCode: row!.last_status_code,
            errorClass: row!.last_error_class,
            waitMs: [row!.next_ms - afterMs, row!.next_ms - beforeMs],
          };
        },
      });
    } finally {
      await store.close();
    }
  }, { migrations: true });
}
