import assert from "node:assert/strict";
import { type Arrival, type Sink, startSink } from "../../simulators/sink/sink.ts";
import { call, type CallOptions } from "./api.ts";
import { adminSql, eventually, sql } from "./stack.ts";
import type { TestTenant } from "./tenant.ts";

/** An integration made over the API, and the endpoint it delivers to. */
export interface TestIntegration {
  id: string;
  signingSecret: string;
  /** First path segment of its URL at the sink. */
  endpoint: string;
}

/** A sink whose endpoints are the integrations made with it. */
export interface TestSink extends Sink {
  /** Creates an integration of the tenant that delivers here. */
  integrate(tenant: TestTenant, body?: Record<string, unknown>): Promise<TestIntegration>;
  /** Creates a subscription to events of the tenant that delivers here. */
  subscribe(
    tenant: TestTenant,
    body: Record<string, unknown>,
    options?: CallOptions,
  ): Promise<TestIntegration>;
  /** What came to one integration, oldest first. */
  arrivalsOf(integration: TestIntegration): Arrival[];
}

/** Starts a sink on loopback; `answer` decides what its endpoints say. */
export function startTestSink(
  answer?: (arrival: Arrival) => Response | undefined | Promise<Response | undefined>,
): TestSink {
  const secrets = new Map<string, string>();
  const sink = startSink({
    secretOf: (endpoint) => secrets.get(endpoint),
    answer: async (arrival) =>
      await answer?.(arrival) ?? new Response(null, { status: arrival.verified ? 204 : 401 }),
  });
  const make = async (path: string, options: CallOptions, body: Record<string, unknown>) => {
    const endpoint = crypto.randomUUID();
    const config = { webhook_url: `${sink.url}/${endpoint}`, ...body.config as object };
    const created = await call(path, { ...options, body: { ...body, config } });
    assert.equal(created.status, 201, JSON.stringify(created.body));
    secrets.set(endpoint, created.body.signing_secret);
    return { id: created.body.id, signingSecret: created.body.signing_secret, endpoint };
  };
  return {
    ...sink,
    arrivalsOf: (integration) => sink.arrivals.filter((arrival) => arrival.endpoint === integration.endpoint),
    integrate: (tenant, body = {}) =>
      make("guardian-meta/integrations", { user: tenant.users.admin }, {
        integration_key: crypto.randomUUID(),
        label: "Test",
        scopes: ["readiness"],
        ...body,
      }),
    subscribe: (tenant, body, options = {}) =>
      make("event-subscriptions", { user: tenant.users.admin, ...options }, { label: "Test", ...body }),
  };
}

/** Publishes an event as SQL of an app would. */
export async function publish(
  tenant: TestTenant,
  type: string,
  payload: Record<string, string | number>,
  orgId: string | null = null,
): Promise<string> {
  const [row] = await sql`select private.publish_event(${tenant.id}, ${orgId}, ${type}, 'thing', '1', ${
    sql.json(payload)
  }, 'test', 'test') as id`;
  return row!.id;
}

/** Writes a readiness snapshot; the event and its deliveries follow by themselves. */
export async function writeReadiness(tenantId: string, overallScore = 72): Promise<string> {
  const [row] = await sql`
    insert into public.guardian_readiness_snapshots (tenant_id, overall_score, band, dimension_scores)
    values (${tenantId}, ${overallScore}, 'operational', '{"core": 80, "governance": 65}') returning id`;
  return row!.id;
}

/** Waits until the only delivery of an integration has the status, and answers its row. */
export async function deliveryWith(integrationId: string, status: string) {
  return await eventually(async () => {
    const [row] = await sql`select * from public.guardian_meta_webhook_events
      where integration_id = ${integrationId} and status = ${status}
        and not exists (select from private.delivery_flights f where f.delivery_id = id)`;
    return row;
  });
}

/** Lets the wait before the next attempt be over, as time would, and wakes the worker. */
export async function letRetriesBeDue(integrationId: string): Promise<void> {
  await adminSql`update private.delivery_queue set due_at = clock_timestamp()
    where integration_id = ${integrationId} and not is_ready`;
  await adminSql`update private.delivery_lanes set not_before = '-infinity' where integration_id = ${integrationId}`;
  await sql`select public.wake_drainer('meta-webhook-deliver')`;
}
