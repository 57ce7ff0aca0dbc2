import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "smol-toml";

const root = fileURLToPath(new URL("../..", import.meta.url));
const functionsDir = join(root, "supabase/functions");
/** A tenth of what the platform takes. What is loaded on demand only (jsonata) counts as well. */
const BUNDLE_LIMIT_BYTES = 2 * 1024 * 1024;
/** integrations can test every kind of connector and brings the clients of all, loaded one by one. */
const LARGER_LIMIT_BYTES: Record<string, number> = { integrations: 2.75 * 1024 * 1024 };

const names = [...Deno.readDirSync(functionsDir)]
  .filter((entry) => entry.isDirectory && !entry.name.startsWith("_")).map((entry) => entry.name).sort();

/** The functions as the platform's bundler sees them: a folder of their own, functions/deno.json and nothing above. */
async function withCopy(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "interlock-shape-" });
  try {
    const copied = await new Deno.Command("cp", { args: ["-R", functionsDir, join(folder, "functions")] })
      .output();
    assert.ok(copied.success);
    await run(join(folder, "functions"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function deno(args: string[], cwd: string): Promise<string> {
  const output = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(output.stderr);
  assert.ok(output.success, text.slice(-3000));
  return text;
}

Deno.test("DEPLOY: every function type-checks with functions/deno.json alone", async () => {
  await withCopy(async (folder) => {
    await deno(
      ["check", "--no-lock", "--config", "deno.json", ...names.map((name) => `${name}/index.ts`)],
      folder,
    );
  });
});

for (const name of names) {
  const limitBytes = LARGER_LIMIT_BYTES[name] ?? BUNDLE_LIMIT_BYTES;
  Deno.test(`DEPLOY: ${name} bundles with functions/deno.json alone, within its limit`, async () => {
    await withCopy(async (folder) => {
      const bundle = join(folder, "bundle.js");
      await deno(
        ["bundle", "--no-lock", "--config", "deno.json", "--output", bundle, `${name}/index.ts`],
        folder,
      );
      const { size } = await Deno.stat(bundle);
      assert.ok(size > 1000 && size < limitBytes, `${size} bytes`);
      // deno-lint-ignore no-console -- growth should be seen before the limit is
      console.log(`${name}: ${(size / 1024).toFixed(0)} KiB`);
    });
  });
}

Deno.test("DEPLOY: config.toml names every function, with its entry point, the one import map, and no gateway check", () => {
  const config = parse(Deno.readTextFileSync(join(root, "supabase/config.toml"))) as {
    functions: Record<string, { verify_jwt: boolean; entrypoint: string; import_map: string }>;
  };
  assert.deepEqual(Object.keys(config.functions).sort(), names);
  for (const [name, settings] of Object.entries(config.functions)) {
    assert.deepEqual({ ...settings }, {
      verify_jwt: false,
      entrypoint: `./functions/${name}/index.ts`,
      import_map: "./functions/deno.json",
    });
  }
});

Deno.test("DEPLOY: every package is pinned to one version in functions/deno.json", () => {
  const { imports } = JSON.parse(Deno.readTextFileSync(join(functionsDir, "deno.json"))) as {
    imports: Record<string, string>;
  };
  for (const [name, specifier] of Object.entries(imports)) {
    assert.match(specifier, /^npm:(@[\w-]+\/)?[\w.-]+@\d+\.\d+\.\d+$/, name);
  }
});

Deno.test("DEPLOY: migrations are named by UTC timestamps, all different", () => {
  const versions = [...Deno.readDirSync(join(root, "supabase/migrations"))].map((entry) =>
    /^(\d{14})_[a-z0-9_]+\.sql$/.exec(entry.name)?.[1]
  );
  assert.ok(versions.every((version) => version !== undefined));
  assert.equal(new Set(versions).size, versions.length);
});
