import { gzipSync } from "node:zlib";
import { join } from "node:path";
import { root } from "../measure/processes.ts";

/** What `deno info --json` says that we read. */
interface ModuleGraph {
  roots: string[];
  redirects: Record<string, string>;
  modules: {
    kind: string;
    specifier: string;
    npmPackage?: string;
    dependencies?: { code?: { specifier: string } }[];
  }[];
  npmPackages: Record<string, { dependencies: string[] }>;
}

const CONFIG = ["--config", join(root, "supabase/functions/deno.json")];

async function deno(args: string[]): Promise<string> {
  const output = await new Deno.Command(Deno.execPath(), { args, cwd: root }).output();
  if (output.success) return new TextDecoder().decode(output.stdout);
  throw new Error(`deno ${args.join(" ")} failed: ${new TextDecoder().decode(output.stderr).slice(-2000)}`);
}

/** What an entrypoint imports other than for types, dynamically too: the graph has both. */
function modulesOfCode({ roots, redirects, modules }: ModuleGraph): ModuleGraph["modules"] {
  const bySpecifier = new Map(modules.map((module) => [module.specifier, module]));
  const reached = new Set<ModuleGraph["modules"][number]>();
  const waiting = [...roots];
  for (let specifier = waiting.pop(); specifier !== undefined; specifier = waiting.pop()) {
    const module = bySpecifier.get(redirects[specifier] ?? specifier);
    if (module === undefined || reached.has(module)) continue;
    reached.add(module);
    waiting.push(...(module.dependencies ?? []).flatMap(({ code }) => code ? [code.specifier] : []));
  }
  return [...reached];
}

/**
 * Counts the npm packages an entrypoint loads, with all they need themselves, and names those it imports itself. The
 * graph lists every package of the lock file, so the count follows the dependencies from the ones really imported.
 */
export async function describeModules(
  entrypoint: string,
): Promise<{ packages: number; imported: string[] }> {
  const graph = JSON.parse(await deno(["info", "--json", ...CONFIG, entrypoint])) as ModuleGraph;
  const imports = modulesOfCode(graph).filter((module) => module.kind === "npm");
  const reached = new Set<string>();
  const waiting = imports.map((module) => module.npmPackage!);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    waiting.push(...graph.npmPackages[name]?.dependencies ?? []);
  }
  const imported = imports.map(({ specifier }) => specifier.replace("npm:/", "npm:"));
  return { packages: reached.size, imported };
}

/** One function with all it imports in one file, as `deno bundle` makes it. */
export interface Bundle {
  path: string;
  bytes: number;
  gzipBytes: number;
  /** Who brought how much of it, largest first. */
  shares: { from: string; bytes: number }[];
}

/** Bundles an entrypoint, unminified, so that the comments still say which module a line is from. */
export async function bundle(entrypoint: string, path: string): Promise<Bundle> {
  await deno(["bundle", "--quiet", ...CONFIG, "--output", path, entrypoint]);
  const text = await Deno.readTextFile(path);
  return { path, bytes: bytesOf(text), gzipBytes: gzipSync(text).length, shares: sharesOf(text) };
}

const encoder = new TextEncoder();
const bytesOf = (text: string) => encoder.encode(text).length;

/** The bundler writes a comment with the module's path before each module. */
const MODULE_LINE = /^\/\/ (\S+\.(?:[mc]?[jt]s|json))$/;

function sharesOf(text: string): Bundle["shares"] {
  const bytes = new Map<string, number>();
  let from = "bundler";
  for (const line of text.split("\n")) {
    const path = MODULE_LINE.exec(line)?.[1];
    if (path !== undefined) from = ownerOf(path);
    bytes.set(from, (bytes.get(from) ?? 0) + bytesOf(line) + 1);
  }
  return [...bytes].map(([owner, count]) => ({ from: owner, bytes: count })).sort((a, b) =>
    b.bytes - a.bytes
  );
}

/** The npm package of a path in Deno's cache, which ends in /npm/<registry>/<name>/<version>/...; everything else is ours. */
function ownerOf(path: string): string {
  return /\/npm\/[^/]+\/((?:@[^/]+\/)?[^/@]+)\/\d/.exec(path)?.[1] ?? "our own code";
}
