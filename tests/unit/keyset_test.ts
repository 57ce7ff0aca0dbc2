import assert from "node:assert/strict";
import { InterlockError } from "../../supabase/functions/_shared/guardrails.ts";
import { decodeCursor, encodePosition } from "../../supabase/functions/_shared/http/keyset.ts";

const ID = "3f0c9a52-6f1e-4c58-9d0b-7a3d5e2b8c41";

Deno.test("a cursor's instant is one that Postgres can have written", () => {
  for (
    const at of [
      "2026-01-01T00:00:00+00:00",
      "2026-01-01T00:00:00.1+00:00",
      "2026-02-28T23:59:59.123456Z",
      "0001-01-01T00:00:00-15:59",
    ]
  ) {
    assert.deepEqual(decodeCursor(encodePosition({ at, id: ID })!), { at, id: ID });
  }
});

Deno.test("a cursor's instant that Postgres would refuse is refused before it gets there", () => {
  for (
    const at of [
      "0000-01-01T00:00:00Z",
      "2026-02-30T00:00:00Z",
      "2026-01-01T00:00Z",
      "2026-01-01T00:00:00",
      "2026-01-01T00:00:00+23:59",
      "2026-01-01T00:00:00.1234567Z",
      `2026-01-01T00:00:00.${"1".repeat(300)}Z`,
      "now()",
    ]
  ) {
    assert.throws(
      () => decodeCursor(encodePosition({ at, id: ID })!),
      (error) => error instanceof InterlockError && error.code === "VALIDATION_FAILED",
      at,
    );
  }
});
