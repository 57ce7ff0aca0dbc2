import assert from "node:assert/strict";
import { Validator } from "@seriousme/openapi-schema-validator";
import * as z from "zod";
import { loadFunctions, mergedDocument, readDocument } from "../../local/generate_docs.ts";
import type { Parameter } from "../../supabase/functions/_shared/http/openapi_operation.ts";

const functions = await loadFunctions();
const routes = functions.flatMap((fn) =>
  fn.routes.map((route) => ({ line: `${fn.name} ${route.method} ${route.path}`, route }))
);

Deno.test("OPENAPI: every route documents its answer and a request that works", () => {
  assert.ok(routes.length > 0);
  for (const { line, route } of routes) {
    assert.ok(route.response, `${line} has no response: say its status and schema`);
    assert.ok(route.examples?.length, `${line} has no examples: show a request that works`);
    const names = route.examples.map((example) => example.name);
    assert.equal(new Set(names).size, names.length, `${line} has two examples of one name`);
    for (const name of names) assert.match(name, /^[a-z0-9_]+$/, line);
  }
});

Deno.test("OPENAPI: every example passes the schemas of its route", () => {
  for (const { line, route } of routes) {
    for (const example of route.examples ?? []) {
      const body = route.body ?? route.rawBodySchema?.();
      if (body) body.parse(example.body);
      else if (route.signature === undefined) assert.equal(example.body, undefined, `${line} takes no body`);
      const query = Object.entries(example.query ?? {}).map(([name, value]) => [name, String(value)]);
      if (route.query) {
        route.query.parse(Object.fromEntries(query));
      } else assert.deepEqual(query, [], `${line} takes no query`);
      const allowed = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name);
      for (const name of Object.keys(example.params ?? {})) {
        assert.ok(allowed.includes(name), `${line}: ${name}`);
      }
    }
  }
});

Deno.test("OPENAPI: the document is valid OpenAPI 3.1", async () => {
  const document = await mergedDocument();
  const checked = await new Validator().validate(JSON.parse(JSON.stringify(document)));
  assert.ok(checked.valid, JSON.stringify(checked.errors, null, 2)?.slice(0, 3000));
  assert.equal(document.openapi, "3.1.0");
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  assert.equal(operations.length, routes.length);
  assert.equal(new Set(operations.map((operation) => operation.operationId)).size, routes.length);
});

Deno.test("OPENAPI: who may call, the permission and the codes stand with each route", async () => {
  const { paths, components } = await mergedDocument();
  const create = paths["/integrations/webhooks"]!.post!;
  assert.deepEqual(create.security, [{ userToken: [], publishableKey: [] }]);
  assert.equal(create["x-permission"], "webhooks.manage");
  assert.deepEqual(create.parameters.map((one) => (one as { $ref: string }).$ref.split("/").at(-1)), [
    "WorkspaceId",
    "OrgIdOfRoute",
    "RequestId",
  ]);
  const named = create.responses["400"] as { $ref: string };
  const response = (components.responses as Record<string, { description: string }>)[
    named.$ref.split("/").at(-1)!
  ]!;
  assert.equal(response.description, "MISSING_TENANT_ID or MISSING_ORG_ID or MALFORMED_BODY");
  assert.deepEqual(Object.keys(create.responses), [
    "201",
    "400",
    "401",
    "403",
    "404",
    "408",
    "413",
    "415",
    "422",
    "500",
    "503",
  ]);
  assert.deepEqual(paths["/event-dispatch"]!.post!.security, [{ hubKey: [] }]);
  const raw = paths["/webhook-receiver/{webhook_id}"]!.post!;
  assert.deepEqual(raw.security, [{ webhookSignature: [] }]);
  assert.equal((raw.parameters[0] as Parameter).name, "webhook_id");
});

Deno.test("OPENAPI: docs/openapi.json is what the routes say; run `deno task docs`", async () => {
  assert.deepEqual(await readDocument(), JSON.parse(JSON.stringify(await mergedDocument())));
});

Deno.test("OPENAPI: a function describes itself, and makes no schema before it is asked", async () => {
  const { createFunction } = await import("../../supabase/functions/_shared/http/create_function.ts");
  let made = 0;
  const schema = () => {
    made++;
    return z.object({ ok: z.boolean() });
  };
  const fn = createFunction({
    name: "sample",
    routes: [{
      method: "POST",
      path: "/:anything",
      summary: "Takes anything",
      auth: "public",
      response: { status: 200, schema },
      examples: [{ name: "one" }],
      handler: () => Response.json({ ok: true }),
    }],
  });
  assert.equal(made, 0);
  const ask = () => fn.fetch(new Request("http://127.0.0.1/sample/openapi.json"));
  const answer = await ask();
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type")!, /^application\/json/);
  const document = await answer.json();
  assert.deepEqual(Object.keys(document.paths), ["/sample/{anything}"]);
  assert.deepEqual(document.servers, [{ url: `${Deno.env.get("SUPABASE_URL")}/functions/v1` }]);
  await (await ask()).body?.cancel();
  assert.equal(made, 1);
});
