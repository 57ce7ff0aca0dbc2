import assert from "node:assert/strict";
import { hmacSha256Key } from "../../supabase/functions/_shared/crypto/hmac.ts";
import { startGoogleIdentity } from "../../simulators/google/identity.ts";
import { webhookSchemes } from "../support/schemes.ts";
import { startLoneReceiver } from "../support/lone_receiver.ts";
import { allSenders, type Sender } from "../support/provider_requests.ts";

/**
 * What tells a webhook that does not exist from one that does, for somebody without its secret? Not the answer, and not
 * what the receiver does before it: every verification and every call of the database is counted.
 */
const google = startGoogleIdentity();
const receiver = await startLoneReceiver({
  INTERLOCK_EGRESS_ALLOW_LOCAL: "1",
  INTERLOCK_GOOGLE_KEYS_URL: google.keysUrl,
  INTERLOCK_CLIENT_ADDRESS: "x-forwarded-for:1",
});
globalThis.addEventListener("unload", () => {
  void google.stop();
  void receiver.stop();
});

const counted = { verifications: 0, signatures: 0 };
for (const scheme of webhookSchemes.values()) {
  const { verify } = scheme;
  scheme.verify = (...args) => {
    counted.verifications++;
    return verify.apply(scheme, args);
  };
}
for (const name of ["sign", "verify"] as const) {
  const real = crypto.subtle[name].bind(crypto.subtle) as (...args: unknown[]) => Promise<never>;
  crypto.subtle[name] = (...args: unknown[]) => {
    counted.signatures++;
    return real(...args);
  };
}
// Every HMAC of usual length starts as a copy of its key.
const { keyed } = await hmacSha256Key(new Uint8Array(1));
const hashes: { clone(): unknown } = Object.getPrototypeOf(keyed);
const { clone } = hashes;
hashes.clone = function () {
  counted.signatures++;
  return clone.call(this);
};

/** What somebody outside sees of a request, and what was done for it. */
async function attempt(id: string, make: (url: string) => Promise<Request>): Promise<string> {
  const request = await make(receiver.urlOf(id));
  counted.verifications = counted.signatures = 0;
  const before = receiver.calls.length;
  const response = await receiver.send(request);
  const { request_id, ...body } = await response.json();
  assert.equal(request_id, response.headers.get("x-request-id"));
  const headers = [...response.headers].filter(([name]) => name !== "x-request-id");
  // Counts of earlier requests are handed over when their time has come.
  const calls = receiver.calls.slice(before).map(({ name }) => name).filter((name) => !/^count_/.test(name));
  return JSON.stringify({ status: response.status, body, headers, ...counted, calls });
}

/** The webhooks somebody may try: one that has other secrets, ones that rotate, an unknown one and an inactive one. */
function targetsFor(sender: Sender): Record<string, string> {
  const ids = { active: crypto.randomUUID(), rotating: crypto.randomUUID() };
  const others = [1, 2].map(() => allSenders(google).find(({ what }) => what === sender.what)!);
  const settings = { ...sender.settings, ...OTHER_SETTINGS[sender.provider] };
  const [secret, previousSecret] = others.map((other) => other.secret);
  receiver.webhooks.set(ids.active, { provider: sender.provider, secret: secret!, settings });
  receiver.webhooks.set(ids.rotating, {
    ...{ provider: sender.provider, secret: secret!, settings },
    previousSecret: previousSecret!,
  });
  return { ...ids, unknown: crypto.randomUUID(), inactive: crypto.randomUUID() };
}

/** Where no secret decides, other settings do. */
const OTHER_SETTINGS: Record<string, Record<string, unknown>> = {
  none: { allowed_addresses: ["198.51.100.1"] },
  google_pubsub: { service_account_email: "other@example.iam.gserviceaccount.com" },
};

/** A request of the sender's kind whose credential is of another secret, and one without any. */
const REQUESTS: Record<string, (sender: Sender, url: string) => Promise<Request>> = {
  "with a wrong credential": async (sender, url) => {
    const { url: address, ...request } = await sender.send(Date.now(), url);
    return new Request(address, request);
  },
  "with no credential": async (sender, url) => {
    const { headers, body } = await sender.send(Date.now(), url);
    const type = new Headers(headers).get("content-type");
    return new Request(url, { method: "POST", headers: type ? { "content-type": type } : {}, body });
  },
  "with nothing in it": (_, url) => Promise.resolve(new Request(url, { method: "POST" })),
  "that asks": (_, url) =>
    Promise.resolve(new Request(`${url}?hub.mode=subscribe&hub.challenge=1&hub.verify_token=guessed`)),
};

for (const sender of allSenders(google)) {
  for (const [what, make] of Object.entries(REQUESTS)) {
    Deno.test({
      name: `${sender.what}: a request ${what} gets the same whether there is such a webhook or not`,
      sanitizeOps: false,
      sanitizeResources: false,
      fn: async () => {
        const seen = new Map<string, string>();
        for (const [target, id] of Object.entries(targetsFor(sender))) {
          const tryIt = () => attempt(id, (url) => make(sender, url));
          await tryIt(); // What is loaded or remembered at the first time.
          await new Promise((resolve) => setTimeout(resolve, 2));
          seen.set(target, await tryIt());
        }
        const [first] = seen.values();
        for (const [target, outcome] of seen) assert.equal(outcome, first, target);
        const { status, verifications, signatures, calls } = JSON.parse(first!);
        assert.equal(status, 401);
        assert.ok(verifications >= 4, String(verifications));
        assert.ok(signatures >= verifications, String(signatures));
        assert.deepEqual(calls, ["get_webhook_verifier"]);
      },
    });
  }
}
