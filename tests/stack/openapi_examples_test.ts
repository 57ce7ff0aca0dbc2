import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { OpenApiDocument } from "../../supabase/functions/_shared/http/openapi.ts";
import type {
  Operation,
  Parameter,
  ResponseObject,
} from "../../supabase/functions/_shared/http/openapi_operation.ts";
import { loadFunctions } from "../../local/generate_docs.ts";
import { call } from "../support/api.ts";
import { signAsApp } from "../support/body_signatures.ts";
import {
  createdByExample,
  filledBody,
  RouteTargets,
  signGeneric,
  signInDemo,
} from "../support/route_targets.ts";
import { stack, stackTest } from "../support/stack.ts";

/** One documented request and the operation it belongs to. */
interface Documented {
  document: OpenApiDocument;
  path: string;
  method: string;
  operation: Operation;
  example: string;
}

const base = `${stack.apiUrl}/functions/v1`;
const documents = await Promise.all((await loadFunctions()).map(({ name }) => fetchDocument(name)));
const caller = await signInDemo();

async function fetchDocument(name: string): Promise<OpenApiDocument> {
  const response = await fetch(`${base}/${name}/openapi.json`);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text);
}

function* documentedRequests(document: OpenApiDocument): Generator<Documented> {
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      for (const example of Object.keys(operation["x-examples"])) {
        yield { document, path, method, operation, example };
      }
    }
  }
}

/** The object behind a `$ref` within the document, or the object itself. */
function resolved<T>(document: OpenApiDocument, value: T | { $ref: string }): T {
  if (typeof value !== "object" || value === null || !("$ref" in value)) return value as T;
  const steps = value.$ref.split("/").slice(1);
  return steps.reduce((inner, step) => (inner as Record<string, unknown>)[step], document as unknown) as T;
}

async function targetNamed(targets: RouteTargets, name: string, where: string): Promise<unknown> {
  const value = await targets.find(name);
  assert.ok(value !== undefined, `${where}: route_targets.ts makes no "${name}"; add how one is made`);
  return value;
}

/** The request an example stands for, with ids of things that exist and the credentials its security asks for. */
async function requestOf(documented: Documented, targets: RouteTargets): Promise<Request> {
  const { document, path, method, operation, example } = documented;
  const url = new URL(base + path);
  const headers = new Headers(operation["x-examples"][example]?.headers);
  for (const one of operation.parameters) {
    const parameter = resolved<Parameter>(document, one);
    if (parameter.in === "path") {
      const named = operation["x-examples"][example]?.path_stands_for?.[parameter.name] ?? parameter.name;
      const value = String(await targetNamed(targets, named, `${method} ${path}`));
      url.pathname = decodeURI(url.pathname).replace(`{${parameter.name}}`, value);
    } else if (parameter.in === "query" && parameter.examples?.[example]) {
      url.searchParams.set(parameter.name, String(parameter.examples[example].value));
    }
    if (parameter.name === "x-workspace-id") headers.set(parameter.name, targets.caller.tenantId);
    if (parameter.name === "x-org-id") headers.set(parameter.name, targets.caller.orgId);
  }
  for (const name of operation["x-examples"][example]?.needs ?? []) {
    await targetNamed(targets, name, `${method} ${path}`);
  }
  const body = await bodyOf(documented, targets);
  if (body !== undefined) headers.set("content-type", "application/json");
  // Of several ways in, the first: people's.
  for (const scheme of Object.keys(operation.security[0] ?? {})) {
    if (scheme === "userToken") headers.set("authorization", `Bearer ${targets.caller.token}`);
    else if (scheme === "publishableKey") headers.set("apikey", stack.publishableKey);
    else if (scheme === "hubKey") headers.set("apikey", stack.hubKey);
    else if (scheme === "webhookSignature") {
      headers.set("x-signature", signGeneric(targets.webhook, body ?? ""));
    } else if (scheme === "appSignature") {
      const signed = { method: method.toUpperCase(), url: url.href, body: new TextEncoder().encode(body) };
      for (const [name, value] of Object.entries(signAsApp(signed))) headers.set(name, value);
    } else assert.fail(`${path} asks for ${scheme}, which this test does not know`);
  }
  return new Request(url, { method: method.toUpperCase(), headers, body, redirect: "manual" });
}

async function bodyOf({ operation, example, path }: Documented, targets: RouteTargets) {
  const value = operation.requestBody?.content["application/json"].examples[example]?.value;
  if (value === undefined) return undefined;
  const body = await filledBody(
    value,
    operation["x-examples"][example]?.stands_for,
    (name, pointer) => targetNamed(targets, name, `${path}${pointer}`),
  );
  return JSON.stringify(body);
}

function jsonSchemaOf({ content }: ResponseObject): unknown {
  assert.ok(content && "application/json" in content);
  return content["application/json"].schema;
}

/** Holds a value against a schema of the document, references within it included. */
function assertFits(document: OpenApiDocument, schema: unknown, value: unknown, where: string): void {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  const valid = ajv.compile({ ...schema as object, components: document.components });
  assert.ok(
    valid(value),
    `${where}: ${ajv.errorsText(valid.errors)}\n${JSON.stringify(value).slice(0, 2000)}`,
  );
}

for (const document of documents) {
  for (const documented of documentedRequests(document)) {
    const { method, path, operation, example } = documented;
    const where = `${method.toUpperCase()} ${path} (${example})`;
    stackTest(`OPENAPI ${where} is answered as documented`, async () => {
      const request = await requestOf(documented, await RouteTargets.create(caller));
      const isPreview = (await request.clone().text()).includes('"preview":true');
      const response = await fetch(request);
      const text = await response.text();
      const success = Object.keys(operation.responses).find((status) =>
        isPreview
          ? status === "200"
          : /^[23]/.test(status) && (status !== "200" || !("202" in operation.responses))
      );
      assert.equal(String(response.status), success, text);
      const answer = resolved(document, operation.responses[success!]!);
      assert.ok(response.headers.get("x-request-id"));
      if (answer.content === undefined) {
        const { schema } = answer.headers.location as { schema: unknown };
        assertFits(document, schema, response.headers.get("location"), where);
        return;
      }
      if ("text/plain" in answer.content) {
        assertFits(document, answer.content["text/plain"].schema, text, where);
        assert.match(response.headers.get("content-type")!, /^text\/plain/);
        return;
      }
      assertFits(document, jsonSchemaOf(answer), JSON.parse(text), where);
      const { data } = JSON.parse(text);
      if (Array.isArray(data)) {
        assert.ok(data.length > 0, `${where}: an empty list proves nothing; say what it needs`);
      }
    });

    stackTest(`OPENAPI ${where} without credentials is refused as documented`, async () => {
      const allowed = await requestOf(documented, await RouteTargets.create(caller));
      const headers = new Headers(allowed.headers);
      for (const name of ["authorization", "apikey", "x-signature", "x-hubspot-signature-v3"]) {
        headers.delete(name);
      }
      const response = await fetch(new Request(allowed, { headers }));
      const text = await response.text();
      if (operation.security.length === 0) return;
      const body = JSON.parse(text);
      assert.equal(response.status, 401, JSON.stringify(body));
      const answer = resolved(document, operation.responses["401"]!);
      assertFits(document, jsonSchemaOf(answer), body, where);
    });
  }
}

stackTest("OPENAPI: an answer that is not as documented is noticed", () => {
  const document = documents.find(({ paths }) => "/integrations/webhooks" in paths)!;
  const answer = resolved(
    document,
    document.paths["/integrations/dispatches/replay"]!.post!.responses["202"]!,
  );
  const schema = jsonSchemaOf(answer);
  assertFits(document, schema, { replayed: 1 }, "fits");
  assert.throws(() => assertFits(document, schema, { replayed: "1" }, "wrong type"), /must be integer/);
  assert.throws(() => assertFits(document, schema, { replayed: 1, secret: "x" }, "more"), /additional/);
  assert.throws(() => assertFits(document, schema, {}, "less"), /required/);
  return Promise.resolve();
});

stackTest(
  "OPENAPI: what a documented POST makes stands for its name without a line in route_targets.ts",
  async () => {
    const targets = await RouteTargets.create(caller);
    const id = await createdByExample("webhook_id", targets);
    const shown = await call(`integrations/webhooks/${id}`, {
      headers: { authorization: `Bearer ${caller.token}` },
      tenantId: caller.tenantId,
      orgId: caller.orgId,
    });
    assert.deepEqual([shown.status, shown.body.name], [200, "Shop orders"]);
    assert.equal(await createdByExample("unheard_of_id", targets), undefined);
  },
);
