import assert from "node:assert/strict";
import type { Arrival } from "../../simulators/sink/sink.ts";
import { startTestSink, type TestIntegration, writeReadiness } from "./outbound.ts";
import { type RawConnection, type RawServer, rawServer, type ServerCertificate } from "./raw_server.ts";
import { adminSql, eventually, sql } from "./stack.ts";
import { createTenant, type TestTenant } from "./tenant.ts";

/** An endpoint that may do anything, and how the hub is told to call it. */
export interface HostileEndpoint {
  script(connection: RawConnection): Promise<void>;
  /** It speaks TLS with this. */
  certificate?: ServerCertificate;
  /** Beginning of its URL, up to the port; by default plain http to 127.0.0.1. */
  origin?: string;
  config?: Record<string, unknown>;
}

/** What became of the first attempt at an endpoint. */
export interface FirstAttempt {
  outcome: string;
  statusCode: number | null;
  errorClass: string | null;
  excerpt: string | null;
  timing: Record<string, number | null>;
  durationMs: number;
  endedAtMs: number;
  deliveryStatus: string;
  /** From the end of the attempt to the next one; null = there is none. */
  retryInMs: number | null;
}

/** Endpoints of one tenant that stay up until {@link close}. */
export interface HostileScene {
  tenant: TestTenant;
  servers: Record<string, RawServer>;
  integrations: Record<string, TestIntegration>;
  /** What came to the well one, oldest first. */
  wellArrivals(): Arrival[];
  /** Writes one event for all of them, and for an endpoint that is well; answers every delivery's first attempt. */
  deliver(): Promise<Record<string, FirstAttempt>>;
  close(): Promise<void>;
}

/** Long enough for a busy machine: what ends an attempt is to be the endpoint, not the time. */
const TIMEOUT_MS = 15_000;
const PATIENCE_MS = 20_000;

/** For endpoints that are waited for: as short as an integration can have it. */
export const IMPATIENT = { timeout_ms: 1000 };

/** Opens the endpoints and subscribes a new tenant to all of them, and to a well one that shares every round with them. */
export async function openHostileScene(endpoints: Record<string, HostileEndpoint>): Promise<HostileScene> {
  const tenant = await createTenant();
  const sink = startTestSink();
  const well = await sink.integrate(tenant);
  const servers: Record<string, RawServer> = {};
  const integrations: Record<string, TestIntegration> = {};
  for (const [name, { script, certificate, origin, config }] of Object.entries(endpoints)) {
    const server = servers[name] = rawServer(script, certificate);
    integrations[name] = await sink.integrate(tenant, {
      config: {
        webhook_url: `${origin ?? "http://127.0.0.1"}:${server.port}/hook`,
        timeout_ms: TIMEOUT_MS,
        ...config,
      },
    });
  }
  const ids = Object.values(integrations).map(({ id }) => id);
  return {
    tenant,
    servers,
    integrations,
    wellArrivals: () => sink.arrivalsOf(well),
    async deliver() {
      const arrivedBefore = sink.arrivalsOf(well).length;
      const sinceId = await writeReadiness(tenant.id);
      const attempts = await firstAttempts(tenant.id, sinceId, ids.length + 1);
      assert.equal(sink.arrivalsOf(well).length, arrivedBefore + 1, "the well endpoint got it, once");
      assert.equal(attempts.get(well.id)?.deliveryStatus, "delivered", "the well endpoint's is delivered");
      const named = Object.entries(integrations).map(([name, { id }]) => [name, attempts.get(id)!] as const);
      return Object.fromEntries(named);
    },
    async close() {
      // Else their deliveries are tried again, in the middle of other tests.
      await adminSql`update public.guardian_meta_integrations set is_enabled = false where tenant_id = ${tenant.id}`;
      await Promise.all(Object.values(servers).map((server) => server.close()));
      await sink.stop();
    },
  };
}

/** Waits until every delivery of the snapshot's event had its first attempt. */
async function firstAttempts(
  tenantId: string,
  snapshotId: string,
  count: number,
): Promise<Map<string, FirstAttempt>> {
  const rows = await eventually(async () => {
    const found = await sql`
      select a.integration_id, a.outcome, a.status_code, a.error_class, a.response_excerpt, a.timing, a.started_at, a.duration_ms,
        d.status, d.finished_at is null as is_open, extract(epoch from d.next_attempt_at - a.started_at)::float * 1000 as next_in_ms
      from public.integration_events_outbox e
      join public.guardian_meta_webhook_events d on d.event_id = e.id
      join public.guardian_meta_webhook_attempts a on a.delivery_id = d.id and a.attempt = 1
      where e.tenant_id = ${tenantId} and e.entity_id = ${snapshotId}`;
    return found.length === count && found;
  }, PATIENCE_MS);
  return new Map(rows.map((row) => [row.integration_id, {
    outcome: row.outcome,
    statusCode: row.status_code,
    errorClass: row.error_class,
    excerpt: row.response_excerpt,
    timing: row.timing ?? {},
    durationMs: row.duration_ms,
    endedAtMs: row.started_at.getTime() + row.duration_ms,
    deliveryStatus: row.status,
    retryInMs: row.is_open ? row.next_in_ms - row.duration_ms : null,
  }]));
}

/** What a first attempt is compared by. */
export interface Outcome {
  statusCode: number | null;
  errorClass: string | null;
  /** The whole text, or what it looks like; left out = none. */
  excerpt?: string | RegExp;
}

/** Asserts an outcome and everything that follows from it: the delivery's state and its next attempt. */
export function assertOutcome(name: string, attempt: FirstAttempt, expected: Outcome): void {
  const { statusCode, errorClass, excerpt = null } = expected;
  assert.deepEqual([attempt.statusCode, attempt.errorClass], [statusCode, errorClass], name);
  if (excerpt instanceof RegExp) assert.match(attempt.excerpt ?? "", excerpt, name);
  else assert.equal(attempt.excerpt, excerpt, name);
  const delivered = errorClass === null;
  assert.equal(attempt.outcome, delivered ? "delivered" : "failed", name);
  assert.equal(attempt.deliveryStatus, delivered ? "delivered" : "failed", name);
  if (delivered) return assert.equal(attempt.retryInMs, null, name);
  // The report takes a moment, so a wait is seen a little longer than it was decided.
  const [shortestMs, longestMs] = errorClass === "timed_out" ? [60_000, 92_000] : [5_000, 12_000];
  const waitMs = attempt.retryInMs!;
  assert.ok(waitMs >= shortestMs - 5 && waitMs <= longestMs, `${name}: the next attempt is in ${waitMs} ms`);
}
