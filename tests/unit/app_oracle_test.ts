import assert from "node:assert/strict";
import { hmacSha256Key } from "../../supabase/functions/_shared/crypto/hmac.ts";
import { environment } from "../../supabase/functions/_shared/env.ts";
import { BODY_SIGNERS } from "../support/body_signatures.ts";
import { startLoneReceiver } from "../support/lone_receiver.ts";
import { webhookSchemes } from "../support/schemes.ts";

/**
 * What tells an app that this hub has no secret for from one that it has, for somebody without the secret? Neither the
 * answer nor what the receiver does before it: every verification, signature and call of the database is counted.
 */
const receiver = await startLoneReceiver({
  INTERLOCK_HUBSPOT_CLIENT_SECRET: "",
  INTERLOCK_SLACK_SIGNING_SECRET: "",
  INTERLOCK_ZOHO_CHANNEL_SECRET: "",
});
globalThis.addEventListener("unload", () => void receiver.stop());

const SECRETS = ["the-secret-of-the-app", "the-one-before-that-one"];
const NAMES = {
  hubspot: "INTERLOCK_HUBSPOT_CLIENT_SECRET",
  slack: "INTERLOCK_SLACK_SIGNING_SECRET",
  zoho: "INTERLOCK_ZOHO_CHANNEL_SECRET",
} as const;
type Provider = keyof typeof NAMES;

const counted = { verifications: 0, signatures: 0 };
for (const scheme of webhookSchemes.values()) {
  const { verify } = scheme;
  scheme.verify = (...args) => {
    counted.verifications++;
    return verify.apply(scheme, args);
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

const BODIES: Record<Provider, string> = {
  hubspot: '[{"portalId":1,"subscriptionType":"contact.creation","objectId":1,"eventId":1,"occurredAt":1}]',
  slack: '{"type":"event_callback","team_id":"T1","event_id":"Ev1","event":{"type":"message"}}',
  zoho: '{"channel_id":"1","token":"0123456789","ids":["1"],"module":"Contacts","operation":"update"}',
};

function requestOf(provider: Provider, path: string, secret: string | null): Request {
  const url = receiver.urlOf(path);
  const body = new TextEncoder().encode(BODIES[provider]);
  const signature = secret === null ? {} : BODY_SIGNERS[provider]?.(secret, { method: "POST", url, body });
  return new Request(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...signature },
    body,
  });
}

/** What somebody outside sees of a request, and what was done for it. */
async function attempt(provider: Provider, path: string, secret: string | null): Promise<string> {
  const before = receiver.calls.length;
  counted.verifications = counted.signatures = 0;
  const response = await receiver.send(requestOf(provider, path, secret));
  const { request_id, ...body } = await response.json();
  assert.equal(request_id, response.headers.get("x-request-id"));
  const headers = [...response.headers].filter(([name]) => name !== "x-request-id");
  // Counts of earlier requests are handed over when their time has come.
  const calls = receiver.calls.slice(before).map(({ name }) => name).filter((name) => !/^count_/.test(name));
  return JSON.stringify({ status: response.status, body, headers, ...counted, calls });
}

/** Makes the hub one with these secrets of an app. */
function configure(provider: Provider, secrets: string[]): void {
  environment()[NAMES[provider]].splice(0, 2, ...secrets);
}

for (const provider of Object.keys(NAMES) as Provider[]) {
  for (const secret of ["a-secret-that-is-wrong", null]) {
    Deno.test({
      name: `${provider}: ${
        secret ? "a wrong signature" : "none"
      } gets the same with an app, without one, and anywhere`,
      sanitizeOps: false,
      sanitizeResources: false,
      fn: async () => {
        const seen = new Map<string, string>();
        const settings = { "no secret": [], "one secret": SECRETS.slice(0, 1), "two secrets": SECRETS };
        for (const [what, secrets] of Object.entries(settings)) {
          configure(provider, secrets);
          await attempt(provider, `app/${provider}`, secret); // What is loaded at the first time.
          seen.set(what, await attempt(provider, `app/${provider}`, secret));
        }
        // One that looks like nobody's is taken for HubSpot's.
        if (secret !== null || provider === "hubspot") {
          seen.set("an unknown provider", await attempt(provider, "app/nobody", secret));
        }
        const [first] = seen.values();
        for (const [what, outcome] of seen) assert.equal(outcome, first, what);
        const { status, verifications, signatures, calls } = JSON.parse(first!);
        assert.deepEqual([status, verifications, calls], [401, 2, []]);
        assert.ok(signatures >= verifications, String(signatures));
      },
    });
  }

  if (provider === "zoho") continue;
  Deno.test({
    name: `${provider}: while the secret changes, both verify, and no other`,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      const statusOf = async (secret: string) => {
        const response = await receiver.send(requestOf(provider, `app/${provider}`, secret));
        await response.body?.cancel();
        return response.status;
      };
      configure(provider, SECRETS);
      assert.deepEqual([await statusOf(SECRETS[0]!), await statusOf(SECRETS[1]!)], [200, 200]);
      configure(provider, SECRETS.slice(0, 1));
      assert.deepEqual([await statusOf(SECRETS[0]!), await statusOf(SECRETS[1]!)], [200, 401]);
    },
  });
}
