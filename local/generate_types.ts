/**
 * `deno task types`: prints the database's types with the official CLI into _shared/db/database.types.ts, from a
 * database with nothing but the migrations.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { startStack } from "./stack.ts";

const CLI = "supabase@3.1.0";
const target = fileURLToPath(new URL("../supabase/functions/_shared/db/database.types.ts", import.meta.url));

const HEADER =
  "// Written by `deno task types` from the migrations. Do not edit.\n// deno-lint-ignore-file\n";

/** The types of a database, formatted as the file that is kept. */
export async function generateTypes(dbUrl: string): Promise<string> {
  const generated = await new Deno.Command("npx", {
    args: ["-y", CLI, "gen", "types", "typescript", "--db-url", dbUrl, "--schema", "public"],
    stderr: "piped",
    stdout: "piped",
  }).output();
  const text = new TextDecoder().decode(generated.stdout);
  // The CLI prints its own progress into the same stream.
  const from = text.indexOf("export type Json");
  if (!generated.success || from < 0) {
    throw new Error(`The CLI printed no types: ${new TextDecoder().decode(generated.stderr).slice(-500)}`);
  }
  return await format(HEADER + text.slice(from));
}

/** The types that are kept. */
export function readTypes(): Promise<string> {
  return Deno.readTextFile(target);
}

async function format(text: string): Promise<string> {
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(path, text);
    const root = fileURLToPath(new URL("../deno.json", import.meta.url));
    const formatted = await new Deno.Command(Deno.execPath(), {
      args: ["fmt", "--quiet", "--config", root, path],
    }).output();
    if (!formatted.success) throw new Error("The types could not be formatted by deno fmt");
    return await Deno.readTextFile(path);
  } finally {
    await Deno.remove(path);
  }
}

if (import.meta.main) {
  const dataDir = await Deno.makeTempDir({ prefix: "interlock-types-" });
  await Deno.chmod(dataDir, 0o755);
  const stack = await startStack({ dataDir, port: 0, seedFile: null });
  try {
    await Deno.writeTextFile(target, await generateTypes(stack.dbUrl));
  } finally {
    await stack.stop();
    await Deno.remove(dataDir, { recursive: true });
  }
}
