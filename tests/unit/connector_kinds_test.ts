import assert from "node:assert/strict";
import * as z from "zod";
import { startResend } from "../../simulators/resend/resend.ts";
import { apiConfigSchema, apiSecretsSchema } from "../../supabase/functions/_shared/providers/api/config.ts";
import { apiConnector, customConnector } from "../../supabase/functions/_shared/providers/api/connector.ts";
import { api, custom } from "../../supabase/functions/_shared/providers/api/sources.ts";
import type { AnyConnector } from "../../supabase/functions/_shared/providers/connector_definition.ts";
import { webhookConnector } from "../../supabase/functions/_shared/providers/webhook/connector.ts";
import { loneConnection } from "../support/lone_connection.ts";
import { providerFailure } from "../support/rest_connection.ts";

const base_url = "https://api.example.com";

/** What is wrong with settings, by where. */
function problems(connector: AnyConnector, config: unknown): Record<string, string> {
  const issues = connector.config().safeParse(config).error?.issues ?? [];
  return Object.fromEntries(issues.map(({ path, message }) => [path.join("."), message]));
}

const things = (resource: Record<string, unknown>) => ({
  base_url,
  resources: { things: { path: "things", records: "data", ...resource } },
});

Deno.test("API: the examples of the kinds pass, and name what can be read", () => {
  for (const connector of [apiConnector, customConnector, webhookConnector]) {
    const config = connector.config().parse(connector.example.config);
    connector.secrets().parse(connector.example.secrets);
    const synced = [api, custom].find(({ definition }) => definition === connector);
    const streams = synced?.sources(config).map((
      { stream, entityType, table },
    ) => [stream, entityType, table]) ?? [];
    assert.deepEqual(streams, connector === webhookConnector ? [] : [["contacts", "contact", "api_records"]]);
  }
});

Deno.test("API: settings that cannot be are told by name", () => {
  const cases: [unknown, string, RegExp][] = [
    [{}, "base_url", /expected string/],
    [{ base_url: "http://api.example.com" }, "base_url", /https address/],
    [{ base_url: "https://user:pass@api.example.com" }, "base_url", /without user/],
    [{ base_url: "https://api.example.com?key=1" }, "base_url", /without .* query/],
    [{ base_url: "ftp://api.example.com" }, "base_url", /https address/],
    [{ base_url, flavor: "mailgun" }, "flavor", /resend, or left out/],
    [{ base_url, secret: 1 }, "", /secret/],
    [{ base_url, timeout_ms: 999 }, "timeout_ms", /1000/],
    [{ base_url, auth: { kind: "api_key", name: "Content-Type" } }, "auth.name", /set by the hub/],
    [
      { base_url, auth: { kind: "oauth2_client_credentials", token_url: "http://a.b" } },
      "auth.token_url",
      /https/,
    ],
    [{ base_url, resources: { "No Name": { path: "a", records: "a" } } }, "resources.No Name", /Invalid key/],
    [things({ path: "a?b=1" }), "resources.things.path", /without query/],
    [things({ body: {} }), "resources.things.body", /Only a POST/],
    [things({ entity_type: "Contact" }), "resources.things.entity_type", /a-z/],
    [things({ incremental: { parameter: "since" } }), "resources.things.updated_at", /newest updated_at/],
    [
      things({ pagination: { kind: "cursor", next: "n" } }),
      "resources.things.pagination.parameter",
      /expected string/,
    ],
    [
      things({ pagination: { kind: "offset", in: "body" } }),
      "resources.things.pagination.in",
      /Only a POST/,
    ],
    [
      things({ method: "POST", pagination: { kind: "offset", in: "body", parameter: "a..b" } }),
      "resources.things.pagination.parameter",
      /single dots/,
    ],
    [
      things({ fields: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`f${index}`, "a"])) }),
      "resources.things.fields",
      /too many fields/,
    ],
    [things({ records: "a".repeat(2001) }), "resources.things.records", /2000/],
  ];
  for (const [config, where, message] of cases) {
    for (const connector of [apiConnector, customConnector]) {
      if (connector === customConnector && where === "flavor") continue;
      const found = problems(connector, config);
      assert.match(
        found[where] ?? JSON.stringify(found),
        message,
        `${connector.type} ${JSON.stringify(config)}`,
      );
    }
  }
  assert.deepEqual(problems(apiConnector, { base_url: "http://127.0.0.1:8080/v1" }), {});
  assert.match(
    JSON.stringify(problems(customConnector, { flavor: "resend", from: "a@b.c" })),
    /flavor|base_url/,
  );
  assert.ok(!apiSecretsSchema.safeParse({ token: "a\nb" }).success);
  assert.ok(!apiSecretsSchema.safeParse({ password: "x", unknown: 1 }).success);
});

Deno.test("API: a sender of e-mail by Resend is tried without sending anything", async () => {
  const apiKeys = ["re_good_key_123", "re_sends_only_456"];
  const account = { apiKeys, sendingKeys: ["re_sends_only_456"], domains: ["hub.example.com"] };
  const resend = startResend(account);
  const tried = (apiKey: string | undefined, from = "Hub <news@Hub.example.com>") => {
    const config = apiConfigSchema.parse({ flavor: "resend", from, base_url: resend.url });
    const connection = loneConnection({ config, secrets: apiSecretsSchema.parse({ api_key: apiKey }) });
    return api.test(connection).finally(() => connection.close());
  };
  try {
    assert.deepEqual(await tried("re_good_key_123"), {
      message: "Resend takes the key, and hub.example.com is verified there.",
      accountName: "hub.example.com",
    });
    assert.match((await tried("re_sends_only_456")).message, /may only send: .* was not checked/);
    const bad = await providerFailure(tried("re_bad_key_789"));
    assert.deepEqual([bad.errorClass, bad.providerCode], ["reconnect_needed", "invalid_api_key"]);
    assert.ok(!bad.message.includes("re_bad_key_789"));
    assert.equal((await providerFailure(tried(undefined))).errorClass, "reconnect_needed");
    const other = await providerFailure(tried("re_good_key_123", "news@other.example.com"));
    assert.deepEqual([other.errorClass, /not verified/.test(other.message)], ["misconfigured", true]);
    resend.answerNext(new Response("{}", { status: 429, headers: { "retry-after": "3" } }));
    const often = await providerFailure(tried("re_good_key_123"));
    assert.deepEqual([often.errorClass, often.retryAfterMs], ["rate_limited", 3000]);
    resend.answerNext(Response.json({ data: null }));
    assert.equal((await providerFailure(tried("re_good_key_123"))).errorClass, "malformed_answer");
    assert.equal(resend.mails.length, 0);
  } finally {
    await resend.stop();
  }
});

Deno.test("API: a connector of webhooks calls nobody and takes no credentials", () => {
  assert.equal(webhookConnector.functionName, null);
  assert.ok(!webhookConnector.secrets().safeParse({ token: "x" }).success);
  assert.ok(!webhookConnector.config().safeParse({ url: "https://a.example" }).success);
});

/** Names of settings, at any depth; what tenants name themselves is none. */
function settingNames(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { properties = {}, anyOf = [], oneOf = [], additionalProperties } = schema as {
    properties?: Record<string, unknown>;
    anyOf?: unknown[];
    oneOf?: unknown[];
    additionalProperties?: unknown;
  };
  const own = Object.entries(properties).flatMap(([name, value]) => [name, ...settingNames(value)]);
  return [...own, ...[...anyOf, ...oneOf, additionalProperties].flatMap(settingNames)];
}

Deno.test("API: the pages of the kinds name every setting and credential", () => {
  const page = (name: string) =>
    Deno.readTextFileSync(new URL(`../../docs/connectors/${name}.md`, import.meta.url));
  const index = page("README");
  for (
    const [connector, name] of [[apiConnector, "api"], [customConnector, "api"], [
      webhookConnector,
      "webhook",
    ]] as const
  ) {
    assert.ok(
      index.includes(`\`${connector.type}\``) && index.includes(`](${connector.type}.md)`),
      connector.type,
    );
    assert.ok(page(connector.type).includes(`\`"type": "${connector.type}"\``), connector.type);
    const schemas = [connector.config(), connector.secrets()];
    const names = schemas.flatMap((schema) => settingNames(z.toJSONSchema(schema, { io: "input" })));
    const text = page(name);
    assert.ok(names.length > 0);
    for (const setting of new Set(names)) {
      if (setting !== "kind") {
        assert.match(text, new RegExp(`["\`.]${setting}["\`]`), `${name}.md lacks ${setting}`);
      }
    }
  }
});
