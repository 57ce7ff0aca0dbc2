import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const functionsDir = fileURLToPath(new URL("../../supabase/functions", import.meta.url));
const sharedDir = join(functionsDir, "_shared");

/** Floor of every room of _shared, ground floor first; a new room needs a line. */
const FLOORS: Record<string, number> = {
  ...{ errors: 0, crypto: 0, json: 0, retry: 0, "clock.ts": 0, "env.ts": 0, "log.ts": 0, "runtime.ts": 0 },
  "fault_point.ts": 0,
  ...{ db: 1, events: 1, drain: 2, guardrails: 2, "guardrails.ts": 2, providers: 3 },
  ...{ delivery: 4, inbound: 4, meta: 4, http: 5 },
};

const importsOf = (path: string) =>
  [...Deno.readTextFileSync(path).matchAll(/^(?:import|export)\b[^";]*? from "(\.[^"]+)"/gm)].map((
    [, target],
  ) => join(dirname(path), target!));

Deno.test("HOUSE: a room of _shared imports only from floors below it, or from itself", () => {
  const room = (path: string) => relative(sharedDir, path).split("/")[0]!;
  for (const path of sources(sharedDir)) {
    assert.ok(room(path) in FLOORS, `${room(path)} has no floor`);
    for (const target of importsOf(path)) {
      assert.ok(target.startsWith(sharedDir), `${path} imports ${target}: _shared knows no function`);
      const own = room(path) === room(target) || room(target) === `${room(path)}.ts` ||
        room(path) === `${room(target)}.ts`;
      assert.ok(
        own || FLOORS[room(target)]! <= FLOORS[room(path)]!,
        `${relative(sharedDir, path)} imports ${relative(sharedDir, target)}`,
      );
    }
  }
});

Deno.test("HOUSE: a function imports from _shared and from its own folder only, and uses the guardrails", () => {
  for (const entry of Deno.readDirSync(functionsDir)) {
    if (!entry.isDirectory || entry.name.startsWith("_")) continue;
    const folder = join(functionsDir, entry.name);
    const imports = [...sources(folder)].flatMap(importsOf);
    for (const target of imports) {
      assert.ok(
        target.startsWith(`${folder}/`) || target.startsWith(`${sharedDir}/`),
        `${entry.name} imports ${target}`,
      );
    }
    assert.ok(
      imports.includes(join(sharedDir, "guardrails.ts")),
      `${entry.name} does not import guardrails.ts`,
    );
  }
});

Deno.test("HOUSE: raw clients are made in db/ only", () => {
  for (const path of sources(functionsDir)) {
    if (path.startsWith(join(sharedDir, "db/"))) continue;
    assert.doesNotMatch(
      Deno.readTextFileSync(path),
      /\b(createClient|createAdminClient|createContextClient)\b|from "postgres"/,
      path,
    );
  }
});

Deno.test("HOUSE: files stay under 300 lines", () => {
  for (const path of sources(functionsDir)) {
    if (path.endsWith("database.types.ts")) continue;
    const lines = Deno.readTextFileSync(path).split("\n").length;
    assert.ok(lines <= 300, `${path} has ${lines} lines`);
  }
});

function* sources(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* sources(path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}
