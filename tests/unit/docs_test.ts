import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { ERROR_CLASSES } from "../../supabase/functions/_shared/delivery/error_class.ts";
import { ERROR_CODES } from "../../supabase/functions/_shared/errors/codes.ts";
import { webhookProviders } from "../../supabase/functions/_shared/providers/registry.ts";
import { withHubEnvironment } from "../support/hub_environment.ts";
import { webhookSchemes } from "../support/schemes.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => Deno.readTextFileSync(join(root, path));

/** The cells of a table's rows whose first cell is code. */
function tableRows(text: string): string[][] {
  return [...text.matchAll(/^\| `[^\n]*$/gm)].map(([line]) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );
}

Deno.test("DOCS: docs/errors.md lists every error code with its status and whether to try again", () => {
  const rows = tableRows(read("docs/errors.md")).map((
    [code, status, retryable],
  ) => [code!.replaceAll("`", ""), Number(status), retryable]);
  const codes = Object.entries(ERROR_CODES).map((
    [code, { status, retryable }],
  ) => [code, status, retryable ? "yes" : "no"]);
  assert.deepEqual(rows.sort(), codes.sort());
});

Deno.test("DOCS: docs/operations.md says of every class of a failed delivery what to do, and of no other", () => {
  const [, table] = read("docs/operations.md").split(/^\| `last_error_class`[^\n]*\n/m);
  const classes = tableRows(table!.split("\n\n")[0]!).map(([name]) => name!.replaceAll("`", ""));
  assert.deepEqual(classes.sort(), [...ERROR_CLASSES].sort());
});

Deno.test("DOCS: docs/configuration.md lists every variable the functions read, and no other", () => {
  const listed = tableRows(read("docs/configuration.md")).map(([name]) => name!.replaceAll("`", "")).sort();
  const schema = /const environmentSchema = z\.object\(\{([\s\S]*?)\n\}\);/.exec(
    read("supabase/functions/_shared/env.ts"),
  )![1]!;
  const readByCode = [...schema.matchAll(/^ {2}([A-Z_]+):/gm)].map(([, name]) => name!).sort();
  assert.ok(readByCode.length > 4);
  assert.deepEqual(listed, readByCode);
});

Deno.test("DOCS: no function reads the environment beside env.ts", () => {
  for (const path of sources(join(root, "supabase/functions"))) {
    if (!path.endsWith("_shared/env.ts")) {
      assert.doesNotMatch(Deno.readTextFileSync(path), /Deno\.env|process\.env/, path);
    }
  }
});

Deno.test("DOCS: docs/api.md names every route", async () => {
  withHubEnvironment({});
  const text = read("docs/api.md");
  const functionsDir = join(root, "supabase/functions");
  for (const entry of Deno.readDirSync(functionsDir)) {
    if (!entry.isDirectory || entry.name.startsWith("_")) continue;
    const { default: fn } = await import(`file://${join(functionsDir, entry.name, "index.ts")}`) as {
      default: { routes: { method: string; path: string }[] };
    };
    assert.ok(text.includes(`## ${entry.name}`), entry.name);
    for (const route of fn.routes) {
      assert.ok(
        text.includes(`\`${route.method} ${route.path}\``),
        `${entry.name} ${route.method} ${route.path}`,
      );
    }
  }
});

Deno.test("DOCS: every kind of webhook is in the table and has a page that says all of it", () => {
  const listed = tableRows(read("docs/webhooks.md").replaceAll("| [`", "| `"))
    .filter(([, , verifiedBy]) => verifiedBy).map(([name]) => /^`(\w+)`\]/.exec(name!)?.[1]).filter(Boolean);
  assert.deepEqual(listed, [...webhookProviders]);
  const index = read("docs/providers/README.md");
  for (const [provider, scheme] of webhookSchemes) {
    const page = read(`docs/providers/${provider}.md`);
    assert.ok(index.includes(`](${provider}.md)`), provider);
    for (const part of [`\`"provider": "${provider}"\``, "\n## What arrives\n", "\n## The same, again\n"]) {
      assert.ok(page.includes(part), `${provider} lacks ${part.trim()}`);
    }
    const settings = settingNames(z.toJSONSchema(scheme.settings(), { io: "input" }));
    const rows = tableRows(page).map(([name]) => name!.replaceAll("`", ""));
    assert.deepEqual(rows.sort(), settings.sort(), provider);
  }
});

/** Names of settings, those within another one included. */
function settingNames(schema: { properties?: unknown; anyOf?: unknown }): string[] {
  const inner = Array.isArray(schema.anyOf) ? schema.anyOf : [];
  const own = Object.entries((schema.properties ?? {}) as Record<string, typeof schema>);
  return [...own.flatMap(([name, value]) => [name, ...settingNames(value)]), ...inner.flatMap(settingNames)];
}

Deno.test("DOCS: every relative link between documents leads somewhere", () => {
  const documents = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", ...markdown("docs")];
  for (const document of documents) {
    for (const [, target] of read(document).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)) {
      const path = join(root, document, "..", target!);
      assert.ok(exists(path), `${document} links to ${target}`);
    }
  }
});

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function markdown(folder: string): string[] {
  return [...Deno.readDirSync(join(root, folder))].flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory ? markdown(path) : entry.name.endsWith(".md") ? [path] : [];
  });
}

function* sources(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* sources(path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}
