import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { Buffer } from "node:buffer";
import {
  type GoogleIdentity,
  type PushClaims,
  pushClaims,
  startGoogleIdentity,
} from "../../simulators/google/identity.ts";
import { createGoogleKeys } from "../../supabase/functions/_shared/providers/google_pubsub/google_keys.ts";
import { isPushToken } from "../../supabase/functions/_shared/providers/google_pubsub/push_token.ts";
import { withHubEnvironment } from "../support/hub_environment.ts";

withHubEnvironment({ INTERLOCK_EGRESS_ALLOW_LOCAL: "1" });

const NOW_MS = 1790000000_000;
const EXPECTED = {
  audience: "https://hub.example/1",
  serviceAccountEmail: "push@example.iam.gserviceaccount.com",
};
const GOOD = pushClaims(NOW_MS, EXPECTED.audience, EXPECTED.serviceAccountEmail);

/** A Google of this test's own, and what verifies with its keys. */
function withGoogle(
  name: string,
  run: (
    google: GoogleIdentity,
    verifies: (token: string, nowMs?: number) => Promise<boolean>,
  ) => Promise<void>,
  cooldownMs = 0,
): void {
  Deno.test({
    name,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      const google = startGoogleIdentity();
      const keys = createGoogleKeys(google.keysUrl, cooldownMs);
      try {
        await run(google, (token, nowMs = NOW_MS) => isPushToken(token, EXPECTED, nowMs, keys));
      } finally {
        await google.stop();
      }
    },
  });
}

withGoogle(
  "a token of Google's for this webhook, from its account, is right for its hour",
  async (google, verifies) => {
    const token = google.token(GOOD);
    assert.equal(await verifies(token), true);
    assert.equal(await verifies(google.token({ ...GOOD, iss: "accounts.google.com" })), true);
    assert.equal(await verifies(token, NOW_MS + 3599_000), true);
    assert.equal(await verifies(token, NOW_MS + 3631_000), false);
    assert.equal(await verifies(token, NOW_MS - 31_000), false);
  },
);

const WRONG: [string, Record<string, unknown>][] = [
  ["issuer", { iss: "https://accounts.google.com.example.com" }],
  ["audience", { aud: "https://hub.example/2" }],
  ["list of audiences", { aud: [EXPECTED.audience, "https://evil.example"] }],
  ["account", { email: "push@other.iam.gserviceaccount.com" }],
  ["account in capitals", { email: EXPECTED.serviceAccountEmail.toUpperCase() }],
  ["address that nobody verified", { email_verified: false }],
  ["word for true", { email_verified: "true" }],
  ["end in the past", { exp: NOW_MS / 1000 - 60 }],
  ["end that is a text", { exp: "9999999999" }],
  ["start in the future", { iat: NOW_MS / 1000 + 60 }],
  ["time before which it is not valid", { nbf: NOW_MS / 1000 + 60 }],
];

withGoogle("a well signed token with a wrong or missing claim is refused", async (google, verifies) => {
  for (const [what, claims] of WRONG) {
    assert.equal(await verifies(google.token({ ...GOOD, ...claims } as PushClaims)), false, what);
  }
  for (const name of ["iss", "aud", "email", "email_verified", "iat", "exp"] as const) {
    const { [name]: _, ...rest } = GOOD;
    assert.equal(await verifies(google.token(rest as PushClaims)), false, name);
  }
});

withGoogle("a token that says itself how to verify it is refused", async (google, verifies) => {
  const [header, claims, signature] = google.token(GOOD).split(".");
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const { kid } = JSON.parse(Buffer.from(header!, "base64url").toString());
  const published = await (await fetch(google.keysUrl)).text();
  for (const alg of ["none", "NONE", "HS256", "RS384", "PS256", "ES256", ""]) {
    const start = `${encoded({ alg, kid })}.${claims}`;
    const made = createHmac("sha256", published).update(start).digest("base64url");
    for (const end of ["", signature, made]) assert.equal(await verifies(`${start}.${end}`), false, alg);
  }
  const other = startGoogleIdentity();
  try {
    for (
      const extra of [{ jku: other.keysUrl }, { x5u: other.keysUrl }, { kid }, { crit: ["b64"], b64: false }]
    ) {
      assert.equal(await verifies(other.token(GOOD, extra)), false, JSON.stringify(extra));
    }
    assert.equal(other.requests, 0);
  } finally {
    await other.stop();
  }
});

withGoogle(
  "keys are fetched once, again for one that is not known, and 503 says when they cannot be",
  async (google, verifies) => {
    google.failWith(500);
    await assert.rejects(verifies(google.token(GOOD)), { code: "UNAVAILABLE" });
    google.failWith(null);
    const old = google.token(GOOD);
    for (let index = 0; index < 5; index++) assert.equal(await verifies(old), true);
    assert.equal(google.requests, 2);
    google.rotate();
    assert.equal(await verifies(google.token(GOOD)), true);
    assert.equal(await verifies(old), true);
    assert.equal(google.requests, 3);
    google.failWith(500);
    assert.equal(await verifies(old), true, "what is known needs no Google");
  },
);

withGoogle("invented key ids make nobody ask Google more than once a cooldown", async (google, verifies) => {
  assert.equal(await verifies(google.token(GOOD)), true);
  for (let index = 0; index < 20; index++) {
    assert.equal(await verifies(google.token(GOOD, { kid: `invented-${index}` })), false);
  }
  assert.equal(google.requests, 1);
}, 60_000);

withGoogle("what is no token asks nobody for keys", async (google, verifies) => {
  for (const text of ["", "a.b.c", "..", "e30.e30.", `${btoa("{}")}.e30.AA`, "x".repeat(10_000)]) {
    assert.equal(await verifies(text), false);
  }
  assert.equal(google.requests, 0);
});
