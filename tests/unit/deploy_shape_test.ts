import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "smol-toml";

const root = fileURLToPath(new URL("../..", import.meta.url));
const functionsDir = join(root, "supabase/functions");
/** A tenth of what the platform takes. What is loaded on demand only (jsonata) counts as well. */
const BUNDLE_LIMIT_BYTES = 2_000_000;
/** What comes with supabase-js and no function uses; it was 0.8 MB of each. */
const NEVER_BUNDLED = /\/@supabase\/(?:auth|functions|realtime|storage)-js\//;

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
  Deno.test(`DEPLOY: ${name} bundles with functions/deno.json alone, to 2 MB at most`, async () => {
    await withCopy(async (folder) => {
      const bundle = join(folder, "bundle.js");
      await deno(
        ["bundle", "--no-lock", "--config", "deno.json", "--output", bundle, `${name}/index.ts`],
        folder,
      );
      const { size } = await Deno.stat(bundle);
      assert.ok(size > 1000 && size <= BUNDLE_LIMIT_BYTES, `${size} bytes`);
      // The bundler writes a comment with the path of each module before it.
      const needless = (await Deno.readTextFile(bundle)).split("\n").filter((line) =>
        line.startsWith("// ") && NEVER_BUNDLED.test(line)
      );
      assert.deepEqual(needless, []);
      // deno-lint-ignore no-console -- growth should be seen before the limit is
      console.log(`${name}: ${(size / 1_000_000).toFixed(2)} MB`);
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
