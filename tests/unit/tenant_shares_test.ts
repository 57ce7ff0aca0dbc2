import assert from "node:assert/strict";
import fc from "fast-check";
import { TenantShares } from "../../supabase/functions/_shared/delivery/tenant_shares.ts";

Deno.test("TenantShares: who holds as much as is free gets no more, everybody else does", () => {
  const shares = new TenantShares();
  assert.deepEqual(shares.full(1), []);
  shares.add("a", 60);
  shares.add("b", 40);
  assert.deepEqual(shares.full(100), []);
  assert.deepEqual(shares.full(60), ["a"]);
  assert.deepEqual(shares.full(40).sort(), ["a", "b"]);
  shares.remove("a", 30);
  assert.deepEqual(shares.full(40), ["b"]);
});

Deno.test("TenantShares: what has landed is forgotten", () => {
  const shares = new TenantShares();
  shares.add("a", 2);
  shares.remove("a", 1);
  assert.deepEqual(shares.full(1), ["a"]);
  shares.remove("a", 1);
  assert.deepEqual(shares.full(0), [], "no trace of it, however long the process lives");
});

Deno.test("TenantShares: tenants that take half of what is free, whenever they may, never fill a worker", () => {
  const capacity = 512;
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 200 }), (claims) => {
    const shares = new TenantShares();
    let free = capacity;
    for (const claim of claims) {
      const tenant = `t${claim}`;
      if (shares.full(free).includes(tenant)) continue;
      const taken = Math.max(1, Math.floor(free / 2));
      shares.add(tenant, taken);
      free -= taken;
    }
    assert.ok(free >= 1, "a ninth finds a place");
  }));
});
