import assert from "node:assert/strict";
import { generateTypes, readTypes } from "../../local/generate_types.ts";
import { stack, stackTest } from "../support/stack.ts";

stackTest(
  "database.types.ts is what the official CLI prints for the migrations (else run `deno task types`)",
  async () => {
    assert.equal(await readTypes(), await generateTypes(stack.dbUrl));
  },
);
