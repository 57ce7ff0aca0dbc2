import { join } from "node:path";
import { root } from "../measure/processes.ts";
import { describeModules } from "./modules.ts";

/** Something to boot: a function, or a limit to hold it against. */
export interface Subject {
  name: string;
  kind: "limit" | "function" | "package";
  /** Served by the host of the local stack; null = a process of its own. */
  entrypoint: string | null;
  /** Arguments of a process of its own. */
  args: string[];
  /** npm packages it loads, with all they need themselves; null = not asked. */
  packages: number | null;
}

/** How Deno is started: what a machine meets that has run this before, and what one meets that has not. */
export type Way = "source" | "source, no code cache" | "bundle, no code cache";

export const WAYS: Way[] = ["source", "source, no code cache", "bundle, no code cache"];
export const BARE = "bare Deno.serve";
export const EMPTY = "function host, empty function";
export const MINIMAL = "Hono + zod + supabase-js, minimal function";

const functionsFolder = join(root, "supabase/functions");
const BARE_SCRIPT = "bench/boot/limits/bare.ts";

/** The limits, every function there is, and every package a function imports. */
export async function findSubjects(): Promise<Subject[]> {
  const own = (name: string, kind: Subject["kind"], args: string[]): Subject => (
    { name, kind, entrypoint: null, args, packages: null }
  );
  const hosted = async (name: string, kind: Subject["kind"], entrypoint: string) => {
    const { packages, imported } = await describeModules(entrypoint);
    return { subject: { name, kind, entrypoint, args: [], packages } satisfies Subject, imported };
  };
  const empty = await hosted(EMPTY, "limit", join(root, "bench/boot/limits/empty_function.ts"));
  const minimal = await hosted(MINIMAL, "limit", join(root, "bench/boot/limits/minimal_function.ts"));
  const functions = [];
  for (const name of functionNames()) {
    functions.push(await hosted(name, "function", join(functionsFolder, name, "index.ts")));
  }
  const imported = new Set(functions.flatMap((found) => found.imported));
  return [
    own(BARE, "limit", [BARE_SCRIPT]),
    empty.subject,
    minimal.subject,
    ...functions.map(({ subject }) => subject),
    ...[...imported].sort().map((specifier) => own(specifier, "package", [BARE_SCRIPT, specifier])),
  ];
}

function functionNames(): string[] {
  return [...Deno.readDirSync(functionsFolder)]
    .filter((entry) => entry.isDirectory && !entry.name.startsWith("_"))
    .map((entry) => entry.name).sort();
}

/** A package is held against the bare process in one way only: what its own code costs when nothing is cached. */
export function waysOf(subject: Subject): Way[] {
  if (subject.kind === "package") return ["source, no code cache"];
  return subject.entrypoint === null ? ["source", "source, no code cache"] : WAYS;
}
