import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { withHubEnvironment } from "../support/hub_environment.ts";

withHubEnvironment({});
const { challengeOf, checkedState, newState, STATE_LIFETIME_MS, verifierOf } = await import(
  "../../supabase/functions/oauth/state_token.ts"
);

const owner = { provider: "slack", tenantId: crypto.randomUUID(), userId: crypto.randomUUID() };
const nowMs = Date.parse("2026-11-22T00:00:00Z");

Deno.test("OAUTH-STATE: a state is right for its provider, until it ends, and says whose it is", async () => {
  const state = await newState(owner, nowMs);
  assert.ok(state.length < 200 && /^[\w.-]+$/.test(state));
  const checked = await checkedState(state, "slack", nowMs);
  assert.equal(checked!.hash, createHash("sha256").update(state).digest("hex"));
  assert.equal(await checked!.isOf(owner), true);
  for (
    const other of [
      { ...owner, userId: crypto.randomUUID() },
      { ...owner, tenantId: crypto.randomUUID() },
      { ...owner, provider: "google_workspace" },
    ]
  ) assert.equal(await checked!.isOf(other), false);
  assert.equal(await checkedState(state, "google_workspace", nowMs), null);
  assert.ok(await checkedState(state, "slack", nowMs + STATE_LIFETIME_MS - 1));
  assert.equal(await checkedState(state, "slack", nowMs + STATE_LIFETIME_MS), null);
});

Deno.test("OAUTH-STATE: a state with any other character anywhere is none, without a look into the database", async () => {
  const state = await newState(owner, nowMs);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  await fc.assert(
    fc.asyncProperty(
      fc.nat(state.length - 1),
      fc.constantFrom(...alphabet),
      async (position, character) => {
        fc.pre(state[position] !== character);
        const changed = state.slice(0, position) + character + state.slice(position + 1);
        assert.equal(await checkedState(changed, "slack", nowMs), null, changed);
      },
    ),
    { numRuns: 300 },
  );
  await fc.assert(fc.asyncProperty(fc.string({ maxLength: 200 }), async (text) => {
    assert.equal(await checkedState(text, "slack", nowMs), null);
  }));
});

Deno.test("OAUTH-STATE: each state has a verifier of its own, which is not in it", async () => {
  const states = await Promise.all(Array.from({ length: 20 }, () => newState(owner, nowMs)));
  const verifiers = await Promise.all(states.map(verifierOf));
  assert.equal(new Set([...states, ...verifiers]).size, 40);
  for (const [index, verifier] of verifiers.entries()) {
    assert.match(verifier, /^[\w-]{43}$/);
    assert.equal(states[index]!.includes(verifier.slice(0, 10)), false);
    assert.equal((await checkedState(states[index]!, "slack", nowMs))!.verifier, verifier);
  }
});

Deno.test("OAUTH-STATE: the challenge is that of RFC 7636, appendix B", async () => {
  assert.equal(
    await challengeOf("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
  );
});
