import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const functionsDir = fileURLToPath(new URL("../../supabase/functions", import.meta.url));

interface Dependency {
  specifier: string;
  code?: { specifier: string };
  isDynamic?: boolean;
}

/** What a function has evaluated when it listens: everything it imports other than dynamically. */
const modulesAtBoot = (name: string) => modulesOf(name, false);

async function modulesOf(name: string, withDynamic: boolean): Promise<string[]> {
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--config", `${functionsDir}/deno.json`, `${functionsDir}/${name}/index.ts`],
    stderr: "null",
  }).output();
  const graph = JSON.parse(new TextDecoder().decode(output.stdout)) as {
    modules: { specifier: string; dependencies?: Dependency[] }[];
  };
  const modules = new Map(graph.modules.map((module) => [module.specifier, module]));
  const reached = new Set<string>();
  const waiting = [`file://${functionsDir}/${name}/index.ts`];
  for (let specifier = waiting.pop(); specifier !== undefined; specifier = waiting.pop()) {
    if (reached.has(specifier)) continue;
    reached.add(specifier);
    for (const { code, isDynamic } of modules.get(specifier)?.dependencies ?? []) {
      if (code && (withDynamic || !isDynamic)) waiting.push(code.specifier);
    }
  }
  return [...reached];
}

const packagesAtBoot = async (name: string) => packagesAmong(await modulesAtBoot(name));

/** Names of npm packages among modules. */
function packagesAmong(modules: string[]): string[] {
  const packages = modules.map((specifier) => /^npm:\/?((?:@[^/]+\/)?[^@/]+)/.exec(specifier)?.[1]);
  return [...new Set(packages.filter((found) => found !== undefined))].sort();
}

Deno.test("BOOT: webhook-receiver starts without what checks users and without a database driver", async () => {
  assert.deepEqual(await packagesAtBoot("webhook-receiver"), [
    "@noble/hashes",
    "hono",
    "ipaddr.js",
    "lossless-json",
    "zod",
  ]);
});

Deno.test("BOOT: webhook-receiver starts with no provider's code: it is loaded with the first webhook of its kind", async () => {
  const modules = await modulesAtBoot("webhook-receiver");
  assert.ok(modules.some((specifier) => specifier.endsWith("/_shared/providers/manifest.ts")));
  assert.deepEqual(modules.filter((specifier) => /\/_shared\/providers\/\w+\//.test(specifier)), []);
});

Deno.test("BOOT: webhook-receiver starts without what takes an app's news: the first request of an app loads it", async () => {
  const modules = await modulesAtBoot("webhook-receiver");
  const late = /\/(?:receive_app|apps|webhook_app|account_cache|unknown_account_tally|item_texts)\.ts$/;
  assert.deepEqual(modules.filter((specifier) => late.test(specifier)), []);
});

Deno.test("BOOT: no function starts with the database driver or the expression engine", async () => {
  const names = [...Deno.readDirSync(functionsDir)]
    .filter((entry) => entry.isDirectory && !entry.name.startsWith("_")).map((entry) => entry.name);
  for (const name of names) {
    const packages = await packagesAtBoot(name);
    assert.ok(packages.includes("zod"), `${name}: ${packages}`);
    for (const late of ["postgres", "jsonata", "fast-xml-parser", "@slack/web-api"]) {
      assert.ok(!packages.includes(late), `${name} loads ${late}`);
    }
  }
});

Deno.test("BOOT: integrations brings no provider's client, not even for later: what syncs a connector tests it", async () => {
  const modules = await modulesOf("integrations", true);
  const packages = packagesAmong(modules);
  assert.ok(packages.includes("postgres"), `what is loaded later is among them: ${packages}`);
  for (const client of ["@slack/web-api", "jsonata", "saxes", "decimal.js"]) {
    assert.ok(!packages.includes(client), client);
  }
  const clients = modules.filter((specifier) =>
    /\/_shared\/providers\/\w+\/(?:sources|trial)\.ts$/.test(specifier)
  );
  assert.deepEqual(clients, []);
});
