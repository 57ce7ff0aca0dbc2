import assert from "node:assert/strict";
import { type Answer, call, type CallOptions } from "../support/api.ts";
import { withHubEnvironment } from "../support/hub_environment.ts";
import { sql, stack, stackTest } from "../support/stack.ts";
import { accessMatrix, type Caller, CALLERS, type Expectation } from "./access_matrix.ts";
import { type Cast, createCast } from "./cast.ts";
import { connectedByConsent } from "../support/oauth_rows.ts";
import { createSamples } from "./sample_rows.ts";

/** What the rig reads of a function's default export. */
interface LoadedFunction {
  name: string;
  routes: { method: string; path: string; auth: string; permission?: string; org?: string }[];
}

const functionsFolder = new URL("../../supabase/functions/", import.meta.url);

/** Every function, as its index.ts exports it: the list the rigs walk. */
async function loadFunctions(): Promise<LoadedFunction[]> {
  withHubEnvironment({
    SUPABASE_URL: stack.apiUrl,
    SUPABASE_SECRET_KEYS: JSON.stringify(stack.keys.secretKeys),
  });
  const names = [...Deno.readDirSync(functionsFolder)].filter((entry) =>
    entry.isDirectory && !entry.name.startsWith("_")
  );
  return await Promise.all(
    names.map(async ({ name }) => (await import(new URL(`${name}/index.ts`, functionsFolder).href)).default),
  );
}

const lineOf = (name: string, route: { method: string; path: string }) =>
  `${name} ${route.method} ${route.path}`;

/** The tenant's resources that path parameters and bodies name. */
interface Targets {
  tenant_id: string;
  webhook_id: string;
  receipt_id: string;
  dispatch_id: number;
  integration_id: string;
  subscription_id: string;
  delivery_id: string;
  event_delivery_id: string;
  replay_id: string;
  event_replay_id: string;
  inbound_replay_id: string;
  connector_id: string;
  run_id: string;
  odoo_connector_id: string;
  slack_connector_id: string;
  granted_connector_id: string;
  provider: string;
  google_connector_id: string;
}

async function createTargets(cast: Cast): Promise<Targets> {
  const samples = await createSamples(cast.tenant);
  const idOf = (table: string) => samples[table]!.filter.split("eq.")[1]!;
  // Finished, so that a replay has something to do.
  const dispatchId = Number(idOf("event_dispatches"));
  await sql`update public.event_dispatches set status = 'dead', finished_at = now(), lease_token = null where id = ${dispatchId}`;
  // Given up, and in no queue, so that nobody works on it meanwhile.
  const [delivery] = await sql`
    insert into public.guardian_meta_webhook_events (tenant_id, integration_id, event_type, status, finished_at)
    values (${cast.tenant.id}, ${
    idOf("guardian_meta_integrations")
  }, 'readiness_updated', 'discarded', now()) returning id`;
  await sql`update public.event_deliveries set status = 'discarded', finished_at = now()
    where id = ${idOf("event_deliveries")}`;
  const [replay] = await sql`
    insert into public.delivery_replays (tenant_id, kind, mode, filter, phase, total, total_is_exact, state, finished_at)
    values (${cast.tenant.id}, 'guardian_meta', 'replay', '{}', 'log', 0, true, 'cancelled', now()) returning id`;
  const [inbound] = await sql`
    insert into public.delivery_replays
      (tenant_id, org_id, kind, mode, filter, phase, total, total_is_exact, state, finished_at)
    values (${cast.tenant.id}, ${
    cast.tenant.orgs[0]
  }, 'inbound', 'replay', '{}', 'receipts', 0, true, 'cancelled', now())
    returning id`;
  // One of its own, which nothing else needs and whose run is not over.
  const [run] = await sql`select r.id, r.connector_id from public.sync_runs r where r.id = ${
    idOf("sync_runs")
  }`;
  const [connector] = await sql`
    insert into public.integration_connectors (tenant_id, org_id, type, name, status, config)
    values (${cast.tenant.id}, ${cast.tenant.orgs[0]}, 'api', 'Rig', 'active', '{}') returning id`;
  const [odoo] = await sql`
    insert into public.integration_connectors (tenant_id, org_id, type, name, status, config)
    values (${cast.tenant.id}, ${cast.tenant.orgs[0]}, 'odoo', 'Rig', 'active', '{}') returning id`;
  // Not active, so that whoever may use it is told so and nothing is sent.
  const [slack] = await sql`insert into public.integration_connectors (tenant_id, org_id, type, name)
    values (${cast.tenant.id}, ${cast.tenant.orgs[0]}, 'slack', 'Sample') returning id`;
  // Not active, so that whoever may sync it is told so and nobody is asked.
  const [google] = await sql`insert into public.integration_connectors (tenant_id, org_id, type, name)
    values (${cast.tenant.id}, ${cast.tenant.orgs[0]}, 'google_workspace', 'Rig') returning id`;
  return {
    google_connector_id: google!.id,
    connector_id: connector!.id,
    odoo_connector_id: odoo!.id,
    tenant_id: cast.tenant.id,
    run_id: run!.id,
    granted_connector_id: await connectedByConsent(cast.tenant.id, cast.tenant.orgs[0]),
    provider: "google_workspace",
    inbound_replay_id: inbound!.id,
    slack_connector_id: slack!.id,
    delivery_id: delivery!.id,
    event_delivery_id: idOf("event_deliveries"),
    replay_id: replay!.id,
    event_replay_id: idOf("delivery_replays"),
    webhook_id: idOf("integration_webhooks"),
    receipt_id: idOf("webhook_receipts"),
    dispatch_id: dispatchId,
    integration_id: idOf("guardian_meta_integrations"),
    subscription_id: idOf("event_subscriptions"),
  };
}

/** A body that passes validation, by route. */
function bodyOf(line: string, targets: Targets): unknown {
  const aDay = { from: "2026-11-20T00:00:00Z", to: "2026-11-21T00:00:00Z" };
  const bodies: Record<string, unknown> = {
    "guardian-meta POST /dead-letters/redrive": { delivery_ids: [targets.delivery_id] },
    "guardian-meta POST /replays": { integration_id: targets.integration_id, ...aDay },
    "guardian-meta POST /integrations/:integration_id/recover": { since: aDay.from },
    "event-subscriptions POST /dead-letters/redrive": { delivery_ids: [targets.event_delivery_id] },
    "event-subscriptions POST /replays": { integration_id: targets.subscription_id, ...aDay },
    "event-subscriptions POST /:subscription_id/recover": { since: aDay.from },
    "google-drive-sync POST /": { connector_id: targets.google_connector_id },
    "google-drive-sync POST /slice": { run_id: targets.run_id },
    "google-drive-sync POST /test": {
      tenant_id: targets.tenant_id,
      connector_id: targets.google_connector_id,
    },
    "gmail-sync POST /": { connector_id: targets.google_connector_id },
    "gmail-sync POST /slice": { run_id: targets.run_id },
    "gmail-sync POST /test": { tenant_id: targets.tenant_id, connector_id: targets.google_connector_id },
    "google-calendar-sync POST /": { connector_id: targets.google_connector_id },
    "google-calendar-sync POST /slice": { run_id: targets.run_id },
    "google-calendar-sync POST /test": {
      tenant_id: targets.tenant_id,
      connector_id: targets.google_connector_id,
    },
    "integrations POST /connectors": { type: "webhook", name: "Rig" },
    "integrations PATCH /connectors/:connector_id": { name: "Renamed" },
    "integrations POST /connectors/:connector_id/sync": { wait_seconds: 0 },
    "api-sync POST /": { connector_id: targets.connector_id },
    "slack-sync POST /": { connector_id: targets.slack_connector_id },
    "slack-sync POST /slice": { run_id: targets.run_id },
    "slack-sync POST /test": { tenant_id: targets.tenant_id, connector_id: targets.slack_connector_id },
    "api-sync POST /slice": { run_id: targets.run_id },
    "api-sync POST /test": { tenant_id: targets.tenant_id, connector_id: targets.connector_id },
    "odoo-sync POST /": { connector_id: targets.odoo_connector_id },
    "odoo-sync POST /slice": { run_id: targets.run_id },
    "odoo-sync POST /test": { tenant_id: targets.tenant_id, connector_id: targets.odoo_connector_id },
    "integrations POST /replays": { webhook_id: targets.webhook_id, ...aDay },
    "integrations POST /webhooks": { provider: "generic_hmac", name: "Rig" },
    "integrations PATCH /webhooks/:webhook_id": { name: "Renamed" },
    "integrations POST /webhooks/:webhook_id/rotate": {},
    "integrations POST /dispatches/replay": { dispatch_ids: [targets.dispatch_id] },
    "guardian-meta POST /integrations": {
      integration_key: crypto.randomUUID(),
      label: "Rig",
      config: { webhook_url: "http://127.0.0.1:9/rig" },
      scopes: ["readiness"],
    },
    "guardian-meta PATCH /integrations": { updates: [{ id: targets.integration_id, label: "Renamed" }] },
    "guardian-meta POST /integrations/test": { integration_id: targets.integration_id },
    "event-subscriptions POST /": {
      label: "Rig",
      event_types: ["rig.none"],
      config: { webhook_url: "http://127.0.0.1:9/rig" },
    },
    "event-subscriptions PATCH /": { updates: [{ id: targets.subscription_id, label: "Renamed" }] },
    "guardian-meta POST /integrations/flow": { integration_id: targets.integration_id, flow: "paused" },
    "meta-webhook-deliver POST /flow": { scope: "all", flow: "open" },
    "event-subscriptions POST /flow": { integration_id: targets.subscription_id, flow: "paused" },
    "guardian-meta POST /integrations/preview": {
      integration_id: targets.integration_id,
      sample: { event_type: "readiness_updated", payload: {} },
    },
    "event-subscriptions POST /preview": {
      integration_id: targets.subscription_id,
      sample: { event_type: "sample.made", payload: {} },
    },
    "oauth POST /authorize/:provider": { name: "Rig" },
    "oauth POST /complete": { code: "x".repeat(43) },
    "oauth POST /disconnect": { connector_id: targets.granted_connector_id },
    "event-subscriptions POST /dry-run": { event_types: ["*"] },
    "slack-notify POST /": { connector_id: targets.slack_connector_id, message: { text: "Rig" } },
    "event-subscriptions POST /test": { integration_id: targets.subscription_id },
  };
  return bodies[line] ?? (line.includes(" POST ") ? {} : undefined);
}

async function attempt(line: string, targets: Targets, options: CallOptions): Promise<Answer> {
  const [name, method, path] = line.split(" ") as [string, string, string];
  const filled = path.replaceAll(/:(\w+)/g, (_, parameter: keyof Targets) => String(targets[parameter]));
  return await call(`${name}${filled === "/" ? "" : filled}`, {
    method,
    body: bodyOf(line, targets),
    ...options,
  });
}

function outcomeOf(answer: Answer, targets: Targets, expected: Expectation | undefined): Expectation {
  if (expected !== "none") return answer.status;
  const text = JSON.stringify(answer.body);
  const mentions = text.includes(targets.webhook_id) || text.includes(targets.receipt_id) ||
    text.includes(targets.subscription_id) ||
    text.includes(targets.event_delivery_id) || text.includes(targets.event_replay_id) ||
    text.includes(targets.inbound_replay_id) || text.includes(targets.connector_id) ||
    text.includes(targets.run_id) ||
    text.includes(`"id":${targets.dispatch_id},`);
  return answer.status === 200 && !mentions ? "none" : answer.status;
}

const functions = await loadFunctions();
let shared: Promise<Cast> | undefined;
const theCast = () => shared ??= createCast();

let untouched: Targets | null = null;

/** Calls a route on targets that nobody has changed: those of the call before, if it was refused or only read. */
async function attemptOnFresh(
  cast: Cast,
  line: string,
  options: CallOptions,
): Promise<{ answer: Answer; targets: Targets }> {
  const targets = untouched ?? await createTargets(cast);
  untouched = null;
  const answer = await attempt(line, targets, options);
  if (answer.status >= 400 || line.includes(" GET ")) untouched = targets;
  return { answer, targets };
}

stackTest(
  "ISO-ROUTES: every route of every function has a line in access.yaml, and every line a route",
  () => {
    const routes = functions.flatMap((fn) => fn.routes.map((route) => lineOf(fn.name, route))).sort();
    assert.deepEqual(routes, Object.keys(accessMatrix.routes).sort());
    for (const [line, row] of Object.entries(accessMatrix.routes)) {
      assert.deepEqual(
        Object.keys(row).filter((caller) => caller !== "hub").sort(),
        [...CALLERS].sort(),
        line,
      );
    }
    return Promise.resolve();
  },
);

stackTest("ISO-ROUTES: every route declares who may call it, and every user route a permission", () => {
  for (const fn of functions) {
    for (const route of fn.routes) {
      assert.ok(
        ["public", "user", "service", "user_or_service"].includes(route.auth),
        lineOf(fn.name, route),
      );
      if (route.auth.startsWith("user")) assert.ok(route.permission, lineOf(fn.name, route));
    }
  }
  return Promise.resolve();
});

for (const [line, row] of Object.entries(accessMatrix.routes)) {
  stackTest(`ISO-ROUTES ${line}: every caller as access.yaml says`, async () => {
    const cast = await theCast();
    for (const [caller, expected] of Object.entries(row)) {
      const options: CallOptions = caller === "hub"
        ? { headers: { apikey: stack.hubKey } }
        : { ...cast.restOptions(caller as Caller), orgId: cast.tenant.orgs[0] };
      const { answer, targets } = await attemptOnFresh(cast, line, options);
      assert.equal(
        outcomeOf(answer, targets, expected),
        expected,
        `${caller}: ${answer.status} ${JSON.stringify(answer.body)}`,
      );
      if (answer.status >= 400) {
        assert.deepEqual(Object.keys(answer.body).filter((key) => key !== "details").sort(), [
          "error",
          "error_code",
          "request_id",
        ]);
        assert.equal(answer.headers.get("x-request-id"), answer.body.request_id);
      }
    }
  });
}

const userRoutes = functions.flatMap((fn) =>
  fn.routes.filter((route) => route.auth.startsWith("user")).map((route) => ({
    line: lineOf(fn.name, route),
    route,
  }))
);
for (const { line, route } of userRoutes) {
  stackTest(
    `ISO-ROUTES ${line}: bad credentials, no tenant, no org, the tenant as a query parameter`,
    async () => {
      const cast = await theCast();
      const tried = async (options: CallOptions) => (await attemptOnFresh(cast, line, options)).answer;
      const wrong = await tried({ headers: { authorization: "Bearer wrong" } });
      assert.deepEqual([wrong.status, wrong.body.error_code], [401, "UNAUTHENTICATED"]);
      const nobody = await tried({ user: cast.stranger });
      assert.deepEqual([nobody.status, nobody.body.error_code], [400, "MISSING_TENANT_ID"]);
      // In their own tenant, a foreign owner does not find the other's resources.
      const { answer: elsewhere, targets } = await attemptOnFresh(cast, line, {
        user: cast.foreign.users.owner,
        orgId: cast.foreign.orgs[0],
      });
      for (const target of Object.values(targets).filter((target) => /^[\da-f]{8}-/.test(String(target)))) {
        assert.equal(JSON.stringify(elsewhere.body).includes(target), false, line);
      }
      const aimed = line + JSON.stringify(bodyOf(line, targets));
      // A provider is everybody's.
      const isAimed = Object.values(targets).some((target) => aimed.includes(String(target)));
      if (isAimed || /\/:(?!provider\b)/.test(line)) {
        assert.deepEqual([elsewhere.status, elsewhere.body.error_code], [404, "NOT_FOUND"]);
      }
      // An org of another tenant is no org.
      const foreignOrg = await tried({
        user: cast.tenant.users.admin,
        tenantId: cast.tenant.id,
        orgId: cast.foreign.orgs[0],
      });
      assert.deepEqual([foreignOrg.status, foreignOrg.body.error_code], [404, "NOT_FOUND"]);
      if (route.org === "required") {
        const noOrg = await tried({
          user: cast.tenant.users.owner,
          tenantId: cast.tenant.id,
        });
        assert.deepEqual([noOrg.status, noOrg.body.error_code], [400, "MISSING_ORG_ID"]);
      }
    },
  );
}

stackTest("ISO-ROUTES: ?workspaceId= names the tenant like the header", async () => {
  const cast = await theCast();
  const named = await call(`integrations/webhooks?workspaceId=${cast.tenant.id}`, {
    user: cast.tenant.users.manager,
  });
  assert.equal(named.status, 200);
  const other = await call(`integrations/webhooks?workspaceId=${cast.foreign.id}`, {
    user: cast.tenant.users.manager,
  });
  assert.deepEqual([other.status, other.body.error_code], [404, "TENANT_NOT_FOUND"]);
});
