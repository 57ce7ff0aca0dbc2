import { withHubEnvironment } from "../support/hub_environment.ts";
import assert from "node:assert/strict";
import { tried } from "../../supabase/functions/integrations/connector_trial.ts";

interface Asked {
  path: string;
  key: string | null;
  requestId: string | null;
  body: unknown;
}

/** What stands where the platform has its functions; answers as told. */
const answers: { next: () => Response; asked: Asked[] } = { next: () => new Response(), asked: [] };
const platform = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
  const { headers, url } = request;
  answers.asked.push({
    path: new URL(url).pathname,
    key: headers.get("apikey"),
    requestId: headers.get("x-request-id"),
    body: await request.json(),
  });
  return answers.next();
});
platform.unref();

withHubEnvironment({
  SUPABASE_URL: `http://127.0.0.1:${platform.addr.port}/`,
  SUPABASE_SECRET_KEYS: '{"default":"sb_secret_unused","hub":"sb_secret_hub_of_tests"}',
});

const row = (type: string) => ({
  tenantId: "a0000000-0000-4000-8000-000000000001",
  connectorId: "c0000000-0000-4000-8000-000000000001",
  type,
  config: {},
  secretRef: null,
});

function triedWith(answer: () => Response, type = "odoo") {
  answers.next = answer;
  answers.asked = [];
  return tried(row(type), "request-of-a-test");
}

const found = { message: "Connected to acme.", account_name: "acme", error_class: null };

Deno.test("CONNECTORS: a test is asked of the function that has the provider's client, as the hub", async () => {
  assert.deepEqual(await triedWith(() => Response.json(found)), found);
  assert.deepEqual(answers.asked, [{
    path: "/functions/v1/odoo-sync/test",
    key: "sb_secret_hub_of_tests",
    requestId: "request-of-a-test",
    body: { tenant_id: row("odoo").tenantId, connector_id: row("odoo").connectorId },
  }]);
  const bad = { message: "Odoo refuses the key.", account_name: null, error_class: "reconnect_needed" };
  assert.deepEqual(await triedWith(() => Response.json(bad), "custom"), bad);
  assert.equal(answers.asked[0]!.path, "/functions/v1/api-sync/test");
});

Deno.test("CONNECTORS: where there is nothing to call, nothing is", async () => {
  const refuse = () => new Response(null, { status: 500 });
  assert.match((await triedWith(refuse, "webhook")).message, /nothing to call/);
  assert.equal((await triedWith(refuse, "telex")).error_class, "misconfigured");
  assert.deepEqual(answers.asked, []);
});

Deno.test("CONNECTORS: a function that gives no result says nothing about the connector", async () => {
  const failed = (code: string, status: number) =>
    Response.json({ success: false, error: "It went wrong.", error_code: code }, { status });
  const cases: [answer: () => Response, code: string][] = [
    // What stands before functions: none of this name, a worker that was ended, a page instead of JSON.
    [
      () =>
        Response.json({ code: "NOT_FOUND", message: "Requested function was not found" }, { status: 404 }),
      "UNAVAILABLE",
    ],
    [() => Response.json({ code: "WORKER_RESOURCE_LIMIT" }, { status: 546 }), "UNAVAILABLE"],
    [() => new Response("<h1>Bad gateway</h1>", { status: 502 }), "UNAVAILABLE"],
    [() => failed("UNAUTHENTICATED", 401), "UNAVAILABLE"],
    [() => failed("UNAVAILABLE", 503), "UNAVAILABLE"],
    [() => failed("NOT_FOUND", 404), "NOT_FOUND"],
    [() => failed("INTERNAL", 500), "INTERNAL"],
  ];
  for (const [answer, code] of cases) {
    await assert.rejects(triedWith(answer), (error: Error & { code?: string }) => {
      assert.equal(error.code, code, error.message);
      assert.match(
        error.message,
        code === "UNAVAILABLE" ? /odoo-sync gives no result/ : /^(This|Something) .*\.$/,
      );
      return true;
    });
  }
});
