import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const functionsDir = fileURLToPath(new URL("../../supabase/functions", import.meta.url));

interface Dependency {
  specifier: string;
  code?: { specifier: string };
  isDynamic?: boolean;
}

/** What a function has evaluated when it listens: everything it imports other than dynamically. */
async function modulesAtBoot(name: string): Promise<string[]> {
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
      if (code && !isDynamic) waiting.push(code.specifier);
    }
  }
  return [...reached];
}

/** Names of npm packages among them. */
async function packagesAtBoot(name: string): Promise<string[]> {
  const packages = (await modulesAtBoot(name)).map((specifier) =>
    /^npm:\/?((?:@[^/]+\/)?[^@/]+)/.exec(specifier)?.[1]
  );
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
