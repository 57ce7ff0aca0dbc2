import { createHmac } from "node:crypto";
import { loadFunctions } from "../../local/generate_docs.ts";
import { schemeOf } from "../../supabase/functions/_shared/providers/registry.ts";
import { call } from "./api.ts";
import { connectedByConsent, pendingGrant } from "./oauth_rows.ts";
import { eventually, sql, stack } from "./stack.ts";
import { startSlack } from "../../simulators/slack/slack.ts";

/** Somebody of the demo tenant Acme, signed in, with what their requests name. */
export interface DemoCaller {
  token: string;
  tenantId: string;
  orgId: string;
}

const ACME = "a0000000-0000-4000-8000-000000000001";
const ACME_NORTH = "a0000000-0000-4000-8000-0000000000a1";
const PASSWORD = "interlock-demo";

/** Signs in one of the seed's people, for example "admin@acme.example". */
export async function signInDemo(email = "admin@acme.example"): Promise<DemoCaller> {
  const response = await fetch(`${stack.apiUrl}/auth/v1/token?grant_type=password`, {
    method: "POST",
    headers: { apikey: stack.publishableKey, "content-type": "application/json" },
    body: JSON.stringify({ email, password: PASSWORD }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`Sign-in of ${email} failed: ${JSON.stringify(answer)}`);
  return { token: answer.access_token, tenantId: ACME, orgId: ACME_NORTH };
}

/** An inbound webhook of the demo tenant, and how its provider signs. */
export interface DemoWebhook {
  id: string;
  provider: string;
  secret: string;
}

/** Makes a webhook over the API. */
export async function createDemoWebhook(caller: DemoCaller, provider: string): Promise<DemoWebhook> {
  const secret = await secretOf(provider);
  const created = await call("integrations/webhooks", {
    headers: { authorization: `Bearer ${caller.token}` },
    tenantId: caller.tenantId,
    orgId: caller.orgId,
    body: { provider, name: "Target", ...secret },
  });
  if (created.status !== 201) throw new Error(`No webhook: ${JSON.stringify(created.body)}`);
  return { id: created.body.id, provider, secret: created.body.signing_secret };
}

/** Left out where the hub makes it: one of the provider's own else. */
async function secretOf(provider: string): Promise<{ secret?: string }> {
  const scheme = await schemeOf(provider);
  return scheme?.secretFrom === "them" ? { secret: scheme.generateSecret() } : {};
}

/** The value of the header x-signature of the generic scheme. */
export function signGeneric(webhook: DemoWebhook, body: Uint8Array | string): string {
  return `sha256=${createHmac("sha256", webhook.secret).update(body).digest("hex")}`;
}

/** Things of the demo tenant that routes name, by the name their parameters have. */
export class RouteTargets {
  readonly #made = new Map<string, Promise<unknown>>();

  constructor(readonly caller: DemoCaller, readonly webhook: DemoWebhook) {}

  /** Things nobody else uses, so that a request may change them. */
  static async create(caller: DemoCaller): Promise<RouteTargets> {
    return new RouteTargets(caller, await createDemoWebhook(caller, "generic_hmac"));
  }

  /** The value that stands for a name, made at the first call; undefined when nobody knows how to make one. */
  find(name: string): Promise<unknown> {
    if (name in ALWAYS_NEW) return Promise.resolve(ALWAYS_NEW[name]!());
    const made = this.#made.get(name) ?? (MAKERS[name]?.(this) ?? createdByExample(name, this));
    this.#made.set(name, made);
    return made;
  }
}

/**
 * For "thing_id", the id of what the first example of a `POST .../things` makes: resources that a route creates need
 * no line below. Undefined when there is no such route.
 */
export async function createdByExample(name: string, targets: RouteTargets): Promise<unknown> {
  const collection = `/${name.replace(/_id$/, "s")}`;
  for (const fn of await loadFunctions()) {
    const route = fn.routes.find(({ method, path }) => method === "POST" && path === collection);
    const example = route?.examples?.[0];
    if (!example || route?.auth !== "user") continue;
    const { token, tenantId, orgId } = targets.caller;
    const headers = { authorization: `Bearer ${token}` };
    const body = await filledBody(example.body, example.stands_for, (wanted) => targets.find(wanted));
    const created = await call(fn.name + collection, { headers, tenantId, orgId, body });
    if (created.status >= 300) throw new Error(`No ${name}: ${JSON.stringify(created.body)}`);
    return created.body.id;
  }
  return undefined;
}

/** What may be used once only. */
const ALWAYS_NEW: Record<string, () => unknown> = { integration_key: () => crypto.randomUUID() };

/** The body of an example with what exists in place of what stands for it. `standsFor`: JSON pointer -> name. */
export async function filledBody(
  body: unknown,
  standsFor: Record<string, string> | undefined,
  find: (name: string, pointer: string) => Promise<unknown>,
): Promise<unknown> {
  const filled = structuredClone(body);
  for (const [pointer, name] of Object.entries(standsFor ?? {})) {
    const value = await find(name, pointer);
    if (value === undefined) continue;
    const steps = pointer.split("/").slice(1);
    const last = steps.pop()!;
    const parent = steps.reduce((inner, step) => (inner as Record<string, unknown>)[step], filled);
    (parent as Record<string, unknown>)[last] = value;
  }
  return filled;
}

/** How named things are made that no single documented POST makes. */
const MAKERS: Record<string, (targets: RouteTargets) => Promise<unknown>> = {
  webhook_id: ({ webhook }) => Promise.resolve(webhook.id),
  tenant_id: ({ caller }) => Promise.resolve(caller.tenantId),
  // Its settings name nothing to read: a sync of it ends at once, and says why.
  api_sync_connector_id: ({ caller }) => activeConnector(caller, "api"),
  google_drive_sync_connector_id: ({ caller }) => activeConnector(caller, "google_workspace"),
  gmail_sync_connector_id: ({ caller }) => activeConnector(caller, "google_workspace"),
  google_calendar_sync_connector_id: ({ caller }) => activeConnector(caller, "google_workspace"),
  slack_sync_connector_id: ({ caller }) => activeConnector(caller, "slack"),
  odoo_sync_connector_id: ({ caller }) => activeConnector(caller, "odoo"),
  run_id: async ({ caller }) => await waitingRun(caller),
  waiting_run_id: async ({ caller }) => await waitingRun(caller),
  // The app whose accounts the seed connects.
  provider: () => Promise.resolve("hubspot"),
  oauth_provider: () => Promise.resolve("google_workspace"),
  oauth_code: ({ caller }) => pendingGrant(caller.tenantId, caller.orgId, "admin@acme.example"),
  granted_connector_id: ({ caller }) => connectedByConsent(caller.tenantId, caller.orgId),
  receipt_id: async ({ webhook }) => {
    const body = JSON.stringify({ event: "sample", id: crypto.randomUUID() });
    const stored = await call(`webhook-receiver/${webhook.id}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-signature": signGeneric(webhook, body) },
      body: JSON.parse(body),
    });
    if (stored.status !== 200) throw new Error(`No receipt: ${JSON.stringify(stored.body)}`);
    return stored.body.receipt_id;
  },
  // Its secret is always the same, so that the verify token in the document is its own.
  meta_webhook_id: async ({ caller }) => {
    const made = await call("integrations/webhooks", {
      headers: { authorization: `Bearer ${caller.token}` },
      tenantId: caller.tenantId,
      orgId: caller.orgId,
      body: { provider: "meta", name: "Target", secret: "the-secret-of-a-meta-app" },
    });
    return made.body.id;
  },
  // Nothing listens there: what is sent fails at once.
  webhook_url: () => Promise.resolve("http://127.0.0.1:9/hook"),
  subscription_id: async ({ caller }) => {
    const created = await call("event-subscriptions", {
      headers: { authorization: `Bearer ${caller.token}` },
      tenantId: caller.tenantId,
      orgId: caller.orgId,
      body: {
        label: "Target",
        event_types: ["target.none"],
        config: { webhook_url: "http://127.0.0.1:9/hook" },
      },
    });
    if (created.status !== 201) throw new Error(`No subscription: ${JSON.stringify(created.body)}`);
    return created.body.id;
  },
  delivery_id: async ({ caller }) => await givenUpDelivery(caller, "guardian-meta/integrations"),
  event_delivery_id: async ({ caller }) => await givenUpDelivery(caller, "event-subscriptions"),
  replay_id: async ({ caller }) => await endedReplay(caller, "guardian_meta"),
  event_replay_id: async ({ caller }) => await endedReplay(caller, "event"),
  inbound_replay_id: async ({ caller }) => await endedReplay(caller, "inbound"),
  // Through an incoming webhook, so that its Slack may listen anywhere; it ends with the process.
  slack_connector_id: async ({ caller }) => {
    const slack = startSlack({ tokens: [], channels: {}, webhooks: ["target"] });
    const secrets = JSON.stringify({ webhook_url: slack.webhookUrl("target") });
    const [row] =
      await sql`insert into public.integration_connectors (tenant_id, org_id, type, name, status, secret_ref)
      values (${caller.tenantId}, ${caller.orgId}, 'slack', 'Target', 'active',
        public.store_secret(${caller.tenantId}, ${secrets}, 'connector')) returning id`;
    return row!.id;
  },
  notification_id: async ({ caller }) => {
    const [row] =
      await sql`select private.notify_admins(${caller.tenantId}, 'target.made', 'warning', 'Made for a test.',
      'target', '1', '{}')`;
    return row;
  },
  dispatch_id: async (targets) => {
    const receiptId = await targets.find("receipt_id") as string;
    return await eventually(async () => {
      const [row] = await sql`
        select d.id from public.event_dispatches d join public.integration_events_outbox e on e.id = d.event_id
        where e.receipt_id = ${receiptId} and d.status <> 'pending'`;
      return row && Number(row.id);
    });
  },
  dead_dispatch_id: async (targets) => {
    const id = await targets.find("dispatch_id") as number;
    await sql`update public.event_dispatches set status = 'dead' where id = ${id}`;
    return id;
  },
};

/** A delivery that its endpoint, which is not there, made the worker give up. */
async function givenUpDelivery(caller: DemoCaller, path: string): Promise<string> {
  const isGuardian = path.startsWith("guardian");
  const created = await call(path, {
    headers: { authorization: `Bearer ${caller.token}` },
    tenantId: caller.tenantId,
    orgId: caller.orgId,
    body: {
      label: "Target",
      config: { webhook_url: "http://127.0.0.1:9/hook", max_attempts: 1 },
      ...(isGuardian
        ? { integration_key: crypto.randomUUID(), scopes: ["readiness"] }
        : { event_types: ["target.made"] }),
    },
  });
  if (created.status !== 201) throw new Error(`No subscription: ${JSON.stringify(created.body)}`);
  if (isGuardian) {
    await sql`insert into public.guardian_readiness_snapshots (tenant_id, overall_score, band)
      values (${caller.tenantId}, 50, 'emerging')`;
  } else {
    await sql`select private.publish_event(${caller.tenantId}, ${caller.orgId}, 'target.made', 'target', '1', '{}', 'test', 'test')`;
  }
  return await eventually(async () => {
    const [row] = await sql`select delivery_id from private.delivery_dead_letters
      where integration_id = ${created.body.id}`;
    return row?.delivery_id as string | undefined;
  });
}

/** A connector without credentials. */
async function activeConnector(caller: DemoCaller, type: string): Promise<string> {
  const [row] = await sql`
    insert into public.integration_connectors (tenant_id, org_id, type, name, status)
    values (${caller.tenantId}, ${caller.orgId}, ${type}, 'Target', 'active') returning id`;
  return row!.id;
}

/** A sync whose provider has asked to wait until tomorrow. */
async function waitingRun(caller: DemoCaller): Promise<string> {
  const [row] = await sql`
    insert into public.sync_runs
      (tenant_id, org_id, connector_id, mode, trigger, function_name, status, next_slice_at, trace_id)
    values (${caller.tenantId}, ${caller.orgId}, ${await activeConnector(
    caller,
    "api",
  )}, 'full', 'user', 'api-sync',
      'waiting', now() + interval '1 day', 'target') returning id`;
  return row!.id;
}

/** A replay that was over before it began. */
async function endedReplay(caller: DemoCaller, kind: string): Promise<string> {
  const [row] = await sql`
    insert into public.delivery_replays
      (tenant_id, org_id, kind, mode, filter, phase, total, total_is_exact, state, finished_at)
    values (${caller.tenantId}, ${kind === "guardian_meta" ? null : caller.orgId}, ${kind}, 'replay',
      '{"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"}', 'log', 0, true, 'done', now()) returning id`;
  return row!.id;
}
