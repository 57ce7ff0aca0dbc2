import assert from "node:assert/strict";
import { databaseError, unwrap } from "../../supabase/functions/_shared/db/unwrap.ts";

for (
  const [failure, code] of [
    [{ sqlState: "IL404", message: "x", status: 400 }, "NOT_FOUND"],
    [{ sqlState: "IL403", message: "x", status: 400 }, "FORBIDDEN"],
    [{ sqlState: "IL409", message: "x", status: 400 }, "CONFLICT"],
    [{ sqlState: "23505", message: "x", status: 409 }, "CONFLICT"],
    [{ sqlState: "22P02", message: "x", status: 400 }, "VALIDATION_FAILED"],
    [{ sqlState: "PGRST102", message: "x", status: 400 }, "VALIDATION_FAILED"],
    [{ sqlState: "42501", message: "x", status: 403 }, "FORBIDDEN"],
    [{ sqlState: "57P01", message: "x", status: 503 }, "UNAVAILABLE"],
    [{ sqlState: "57P03", message: "x", status: 503 }, "UNAVAILABLE"],
    [{ sqlState: "08006", message: "x", status: 500 }, "UNAVAILABLE"],
    [{ sqlState: "53300", message: "x", status: 500 }, "UNAVAILABLE"],
    [{ sqlState: "40P01", message: "x", status: 500 }, "UNAVAILABLE"],
    [{ sqlState: "PGRST002", message: "x", status: 503 }, "UNAVAILABLE"],
    [{ sqlState: "", message: "", status: 400 }, "UNAVAILABLE"],
    [{ message: "connection refused" }, "UNAVAILABLE"],
    [{ sqlState: "", message: "Invalid API key", status: 401 }, "INTERNAL"],
    [{ sqlState: "PGRST202", message: "x", status: 404 }, "INTERNAL"],
    [{ sqlState: "42883", message: "x", status: 404 }, "INTERNAL"],
  ] as const
) {
  Deno.test(`databaseError() tells ${failure.sqlState || "no SQLSTATE"}/${failure.status ?? "no answer"} as ${code}`, () => {
    const error = databaseError(failure);
    assert.equal(error.code, code);
    assert.equal(code === "UNAVAILABLE", error.retryAfterMs !== undefined);
  });
}

Deno.test("unwrap() gives the data, null included, and throws the error's code", () => {
  assert.equal(unwrap({ data: null, error: null }), null);
  assert.deepEqual(unwrap({ data: [1], error: null }), [1]);
  assert.throws(() => unwrap({ data: null, error: { code: "IL404", message: "gone" } }), {
    code: "NOT_FOUND",
    message: "gone",
  });
});
