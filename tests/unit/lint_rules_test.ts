import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import house from "../../lint/house.ts";

/** A file's path below the root, its text, and what the rule's message must say; nothing for text that is fine. */
type Example = [path: string, source: string, message?: RegExp];

const FUNCTION = "supabase/functions/integrations/list.ts";
const SHARED = "supabase/functions/_shared";

const EXAMPLES: Record<string, Example[]> = {
  "raw-client": [
    [
      `${SHARED}/db/clients.ts`,
      'import { createAdminClient } from "@supabase/server/core"; createAdminClient();',
    ],
    [`${SHARED}/db/direct_store.ts`, 'import postgres from "postgres";'],
    ["tests/support/stack.ts", 'import postgres from "postgres";'],
    [FUNCTION, 'import { hubClient } from "../_shared/db/clients.ts"; hubClient();'],
    [FUNCTION, 'import type { SupabaseClient } from "@supabase/supabase-js"; const text = "createClient";'],
    [FUNCTION, 'import postgres from "postgres";', /knows no tenant.*access\.db/],
    [FUNCTION, 'const postgres = await import("postgres");', /knows no tenant/],
    [FUNCTION, 'import { createClient as c } from "@supabase/supabase-js";', /knows no tenant/],
    [
      FUNCTION,
      'import * as server from "@supabase/server/core"; server.createAdminClient();',
      /knows no tenant/,
    ],
    [FUNCTION, 'export { createContextClient } from "@supabase/server/core";', /knows no tenant/],
    [
      FUNCTION,
      'import { SupabaseClient } from "@supabase/supabase-js"; new SupabaseClient("u", "k");',
      /knows no tenant/,
    ],
    [
      `${SHARED}/http/access.ts`,
      'import { withPostgres } from "@supabase/server/middleware/postgres";',
      /knows no tenant/,
    ],
    [`${SHARED}/dbx/clients.ts`, 'import postgres from "postgres";', /knows no tenant/],
  ],
  "floors": [
    [
      `${SHARED}/http/access.ts`,
      'import { unwrap } from "../db/unwrap.ts"; import { env } from "../env.ts";',
    ],
    [`${SHARED}/guardrails.ts`, 'export * from "./guardrails/fail_soft.ts";'],
    [`${SHARED}/guardrails/fail_soft.ts`, 'import type { A } from "../guardrails.ts";'],
    [`${SHARED}/inbound/batcher.ts`, 'import { a } from "../delivery/a.ts";'],
    [FUNCTION, 'import { a } from "../_shared/http/route.ts"; import { b } from "./receipts.ts";'],
    [FUNCTION, 'import { a } from "./deep/one.ts";'],
    ["supabase/functions/integrations/deep/one.ts", 'import { a } from "../list.ts";'],
    ["local/stack.ts", 'import { a } from "../supabase/functions/integrations/index.ts";'],
    [
      `${SHARED}/db/unwrap.ts`,
      'import { route } from "../http/route.ts";',
      /db \(floor 1\) must not import from http \(floor 5\)/,
    ],
    [`${SHARED}/db/unwrap.ts`, 'import type { A } from "../http/route.ts";', /floor 5/],
    [`${SHARED}/db/unwrap.ts`, 'type A = import("../http/route.ts").A;', /floor 5/],
    [`${SHARED}/env.ts`, 'const a = await import("./db/unwrap.ts");', /env \(floor 0\)/],
    [`${SHARED}/env.ts`, 'export * from "./guardrails.ts";', /guardrails \(floor 2\)/],
    [`${SHARED}/attic/a.ts`, "export const a = 1;", /"attic" of _shared has no floor.*floors\.ts/],
    [`${SHARED}/env.ts`, 'import { a } from "../integrations/list.ts";', /knows no function/],
    [FUNCTION, 'import { a } from "../event-dispatch/drainer.ts";', /own folder only/],
    [FUNCTION, 'import { a } from "../../../local/stack.ts";', /own folder only/],
    [FUNCTION, 'import { a } from "../list.ts";', /own folder only/],
  ],
  "mapped-imports": [
    [
      FUNCTION,
      'import * as z from "zod"; import "node:crypto"; import { a } from "./a.ts"; import { b } from "hono/cors";',
    ],
    ["local/stack.ts", 'import { parse } from "smol-toml"; const a = await import(`npm:x`.slice(4));'],
    [
      "local/stack.ts",
      'import { parse } from "npm:smol-toml@1.9.1";',
      /"npm:smol-toml@1\.9\.1" is not mapped.* in deno\.json/,
    ],
    [FUNCTION, 'import { parse } from "yaml";', /in supabase\/functions\/deno\.json/],
    [FUNCTION, 'import { a } from "zodiac";', /not mapped/],
    [FUNCTION, 'import { a } from "https://example.com/a.ts";', /not mapped/],
    [FUNCTION, 'import {\n  a,\n} from "jsr:@std/a";', /not mapped/],
    [FUNCTION, 'import "npm:a";', /not mapped/],
    [FUNCTION, 'export * from "https://example.com/a.ts";', /not mapped/],
    [FUNCTION, 'export { a } from "https://example.com/a.ts";', /not mapped/],
    [FUNCTION, 'import type { A } from "https://example.com/a.ts";', /not mapped/],
    [FUNCTION, 'const a = await import("https://example.com/a.ts");', /not mapped/],
    [FUNCTION, "const a = await import(`jsr:@std/a`);", /not mapped/],
    [FUNCTION, 'type A = import("jsr:@std/a").A;', /not mapped/],
    [FUNCTION, 'import { a } from "/etc/a.ts";', /not mapped/],
    [FUNCTION, 'import { a } from "data:text/javascript,1";', /not mapped/],
    [FUNCTION, "const a = await import(name);", /bundler cannot see/],
  ],
  "double-cast": [
    [FUNCTION, 'const a = b as string; const c = ["x"] as const; const d = e as unknown;'],
    [FUNCTION, "const a = b as unknown as string;", /silences the compiler/],
    ["tests/unit/a_test.ts", "const a = (b as unknown) as string;", /silences the compiler/],
    ["local/a.ts", "const a = b as never;", /silences the compiler/],
    ["local/a.ts", "const a = b as never as string;", /silences the compiler/],
  ],
  "error-message": [
    [FUNCTION, 'throw new InterlockError("NOT_FOUND", "This webhook does not exist.");'],
    [FUNCTION, 'throw new InterlockError("NOT_FOUND", `There is no consumer "${name}".`, { cause: error });'],
    [FUNCTION, 'throw new InterlockError("VALIDATION_FAILED", `secret: ${error.message}.`);'],
    [FUNCTION, 'throw new InterlockError("VALIDATION_FAILED", `${path} is too long.`);'],
    [FUNCTION, "throw new InterlockError(code, message);"],
    [FUNCTION, 'throw new TypeError("An HMAC secret must not be empty");'],
    [FUNCTION, 'throw new TypeError(`"${name}" is no argument name`);'],
    [FUNCTION, "throw new RangeError(`A secret has at least 16 bytes, not ${secret.length}`);"],
    [
      FUNCTION,
      "throw new Error(`Unknown dedupe key ${dedupeKey} of ${tokens.length} tokens and ${secretRef}`);",
    ],
    ["local/a.ts", 'throw new StackError("The port is taken; " + "choose another one.");'],
    ["tests/unit/a_test.ts", 'throw new Error("no");'],
    [FUNCTION, 'throw new InterlockError("NOT_FOUND", "this webhook does not exist.");', /capital letter/],
    [
      FUNCTION,
      'throw new InterlockError("NOT_FOUND", "This webhook does not exist");',
      /end it with a period/,
    ],
    [
      FUNCTION,
      'throw new InterlockError("NOT_FOUND", `Nothing is called ${name}!`);',
      /end it with a period/,
    ],
    [
      FUNCTION,
      'throw new InterlockError("NOT_FOUND", known ? "It is gone." : "it never was.");',
      /capital letter/,
    ],
    [FUNCTION, 'throw new InterlockError("NOT_FOUND", "A " + name + " is missing");', /end it with a period/],
    [FUNCTION, 'throw new InterlockError("NOT_FOUND");', /Give this InterlockError a message/],
    [FUNCTION, 'throw new TypeError("An HMAC secret must not be empty.");', /without a period/],
    [FUNCTION, 'throw new Error("bad secret");', /capital letter/],
    [FUNCTION, "throw new Error();", /Give this Error a message/],
    ["local/a.ts", 'throw new StackError("The port is taken");', /end it with a period/],
    ["local/a.ts", 'throw new Error("not ready");', /capital letter/],
    [FUNCTION, "throw new Error(`Refused ${token}`);", /put a secret into a message/],
    [FUNCTION, "throw new Error(`Refused ${request.accessToken}`);", /put a secret/],
    [FUNCTION, "throw new Error(`Refused ${String(webhook.signing_secret)}`);", /put a secret/],
    [FUNCTION, "throw new Error(`Refused ${password.slice(0, 4)}`);", /put a secret/],
    [FUNCTION, 'throw new Error("Refused " + SECRET_KEY);', /put a secret/],
    [
      FUNCTION,
      'throw new InterlockError("INTERNAL", `The key ${known ?? apiKey} is not valid.`);',
      /put a secret/,
    ],
    ["tests/unit/a_test.ts", "throw new Error(`Refused ${hubKey}`);", /put a secret/],
  ],
  "route-auth": [
    [FUNCTION, 'export const listRoutes = [route({ method: "GET", auth: "user", handler }), ...others];'],
    [
      FUNCTION,
      'createFunction({ name: "x", routes: [...listRoutes, route({ path: "/", auth: "public" })] });',
    ],
    ["tests/stack/a_test.ts", 'route({ path: "/", auth });'],
    [`${SHARED}/http/create_function.ts`, "const routes = [openApiRoute(options), ...options.routes];"],
    [`${SHARED}/http/openapi.ts`, 'route({ path: "/openapi.json", handler });', /who may call it/],
    [FUNCTION, 'route({ path: "/", handler });', /does not say who may call it; add auth/],
    [FUNCTION, 'route({ path: "/", auth });', /plain string/],
    [FUNCTION, 'route({ path: "/", auth: open ? "public" : "user" });', /plain string/],
    [FUNCTION, "route({ path: '/', auth: `us${er}` });", /plain string/],
    [FUNCTION, "route(definition);", /into its route\(\) call/],
    [FUNCTION, 'route({ auth: "user", ...rest });', /spread could change auth/],
    [
      FUNCTION,
      'createFunction({ name: "x", routes: [{ path: "/", auth: "user" }] });',
      /Make every route with route/,
    ],
    [FUNCTION, "createFunction({ routes: [makeRoute()] });", /Make every route with route/],
    [FUNCTION, "export const listRoutes: AnyRoute[] = [{ path: '/' }];", /Make every route with route/],
  ],
  "unit-in-name": [
    [
      FUNCTION,
      "const timeoutMs = 5; const TTL_SECONDS = 60; const BODY_LIMIT_BYTES = 1024 * 1024; const MAX_BYTES = 9;",
    ],
    [
      FUNCTION,
      "const CLAIM_LIMIT = 50; const timeout = setTimeout(run, 5); const attempts = 3; const pageSize = 9;",
    ],
    [FUNCTION, "const sql = postgres(url, { idle_timeout: 30, connection: { statement_timeout: 8000 } });"],
    [FUNCTION, "function wait(delayMs: number, { timeout = shortTimeout } = {}) {}"],
    ["local/a.ts", "const timeout = 5;"],
    [FUNCTION, "const timeout = 5;", /"timeout" does not say its unit; end the name in Ms/],
    [FUNCTION, "const RETRY_DELAY = 2 * 1000;", /RETRY_DELAY/],
    [FUNCTION, "const OPTIONS = { cacheTtl: 5000 };", /cacheTtl/],
    [FUNCTION, "interface Options { pollInterval?: number }", /pollInterval/],
    [FUNCTION, "class A { readonly #x = 1; leaseDuration = 60; }", /leaseDuration/],
    [FUNCTION, "function wait(delay: number) {}", /"delay"/],
    [FUNCTION, "const wait = (delay = 5) => {};", /"delay"/],
    [FUNCTION, "let bodyLimit: number;", /bodyLimit/],
    [FUNCTION, "const maxBody = 1024;", /maxBody/],
  ],
  "file-length": [
    ["local/a.ts", "a();\n".repeat(300)],
    ["tests/stack/a_test.ts", "a();\n".repeat(400)],
    ["local/a.ts", "a();\n".repeat(301), /301 lines, 300 are allowed; split it/],
    [FUNCTION, "a();\n".repeat(301), /301 lines/],
  ],
  "file-name": [
    ["supabase/functions/_shared/db/database.types.ts", "a();"],
    ["tests/unit/lint_rules_test.ts", "a();"],
    ["local/utils.ts", "a();", /name the file after the one thing it says/],
    ["supabase/functions/integrations/helpers.ts", "a();", /utils|helpers/],
    ["local/common.ts", "a();", /can hold anything/],
    ["local/functionHost.ts", "a();", /snake_case/],
    ["local/function-host.ts", "a();", /snake_case/],
  ],
};

Deno.test("LINT: every rule of the house has good and bad examples", () => {
  assert.deepEqual(Object.keys(EXAMPLES).sort(), Object.keys(house.rules).sort());
  for (const [rule, examples] of Object.entries(EXAMPLES)) {
    assert.ok(examples.some(([, , message]) => message), `${rule} has no bad example`);
    assert.ok(examples.some(([, , message]) => !message), `${rule} has no good example`);
  }
});

for (const [name, examples] of Object.entries(EXAMPLES)) {
  Deno.test(`LINT: ${name} finds what it names and nothing else`, () => {
    const rule = house.rules[name];
    assert.ok(rule);
    const plugin: Deno.lint.Plugin = { name: "house", rules: { [name]: rule } };
    for (const [path, source, message] of examples) {
      const found = Deno.lint.runPlugin(plugin, path, source);
      const seen = `${path}: ${source.slice(0, 200)}\n${found.map((one) => one.message).join("\n")}`;
      if (!message) assert.equal(found.length, 0, `Found something in ${seen}`);
      else {assert.ok(
          found.length > 0 && found.every((one) => message.test(one.message)),
          `Not as expected: ${seen}`,
        );}
    }
  });
}

Deno.test("LINT: raw-client reports one import once", () => {
  const source = 'export { createClient } from "@supabase/supabase-js";';
  assert.equal(Deno.lint.runPlugin(house, FUNCTION, source).length, 1);
});

Deno.test("LINT: deno lint from the root runs the house rules on the functions", async () => {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "interlock-lint-" }));
  try {
    const functions = join(folder, "supabase/functions");
    await Deno.mkdir(join(functions, "leaky"), { recursive: true });
    const copied = await new Deno.Command("cp", {
      args: ["-R", join(root, "deno.json"), join(root, "lint"), folder],
    }).output();
    assert.ok(copied.success);
    await Deno.copyFile(join(root, "supabase/functions/deno.json"), join(functions, "deno.json"));
    const leaky = join(functions, "leaky/index.ts");
    const lint = async () => {
      const output = await new Deno.Command(Deno.execPath(), {
        args: ["lint"],
        cwd: folder,
        env: { NO_COLOR: "1" },
      }).output();
      return { success: output.success, text: new TextDecoder().decode(output.stderr) };
    };
    await Deno.writeTextFile(leaky, 'export { hubClient } from "../_shared/db/clients.ts";\n');
    const clean = await lint();
    assert.ok(clean.success, clean.text);
    await Deno.writeTextFile(leaky, 'export { createClient } from "@supabase/supabase-js";\n');
    const broken = await lint();
    assert.ok(!broken.success);
    assert.match(broken.text, /error\[house\/raw-client\]/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
