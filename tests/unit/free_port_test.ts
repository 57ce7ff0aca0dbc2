import assert from "node:assert/strict";
import { freePort } from "../../local/free_port.ts";

Deno.test("PORTS: none is given twice, though nobody listens there yet", () => {
  const ports = Array.from({ length: 300 }, () => freePort());
  assert.equal(new Set(ports).size, 300);
});

Deno.test("PORTS: one that somebody listens at is passed over, and a range without any is told of", () => {
  const first = freePort();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: first });
  try {
    assert.throws(() => freePort({ first, last: first }), Deno.errors.AddrInUse);
  } finally {
    listener.close();
  }
  assert.equal(freePort({ first, last: first }), first);
});
