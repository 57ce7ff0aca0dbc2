import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { join } from "node:path";

const functionsDir = fileURLToPath(new URL("../../supabase/functions", import.meta.url));

// What holds for one file is a lint rule (lint/house.ts); this holds for a folder.
Deno.test("HOUSE: every function uses the guardrails", () => {
  for (const entry of Deno.readDirSync(functionsDir)) {
    if (!entry.isDirectory || entry.name.startsWith("_")) continue;
    const uses = [...sources(join(functionsDir, entry.name))].some((path) =>
      /^(?:import|export)\b[^";]*?"(\.\.\/)+_shared\/guardrails\.ts"/m.test(Deno.readTextFileSync(path))
    );
    assert.ok(uses, `${entry.name} does not import guardrails.ts`);
  }
});

function* sources(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* sources(path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}
