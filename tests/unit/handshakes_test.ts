import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { webhookSchemes } from "../support/schemes.ts";
import { type ListedWebhook, startLoneReceiver } from "../support/lone_receiver.ts";

const receiver = await startLoneReceiver({});
globalThis.addEventListener("unload", () => void receiver.stop());

/** A webhook that exists, with the example's settings unless others are given. */
function listed(provider: string, secret: string, settings?: ListedWebhook["settings"]): string {
  const scheme = webhookSchemes.get(provider)!;
  const id = crypto.randomUUID();
  receiver.webhooks.set(id, { provider, secret, settings: settings ?? scheme.exampleSettings });
  return id;
}

interface Outcome {
  status: number;
  text: string;
  headers: Headers;
  /** What was asked of the database. */
  calls: string[];
}

async function ask(id: string, query: string, init: RequestInit = {}): Promise<Outcome> {
  const before = receiver.calls.length;
  const response = await receiver.send(new Request(receiver.urlOf(id) + query, init));
  return {
    status: response.status,
    text: await response.text(),
    headers: response.headers,
    calls: receiver.calls.slice(before).map(({ name }) => name),
  };
}

function assertEcho(outcome: Outcome, word: string): void {
  assert.deepEqual([outcome.status, outcome.text], [200, word]);
  assert.match(outcome.headers.get("content-type")!, /^text\/plain\b/);
  assert.equal(outcome.headers.get("x-content-type-options"), "nosniff");
  assert.equal(outcome.calls.includes("store_webhook_receipts"), false);
}

function assertRefused(outcome: Outcome): void {
  assert.equal(outcome.status, 401, outcome.text);
  assert.equal(JSON.parse(outcome.text).error, "The signature is missing or not valid.");
  assert.equal(outcome.calls.includes("store_webhook_receipts"), false);
}

/** Leaves out what a leak check of one test cannot know: connections that stay open for the next one. */
function handshakeTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

function slackRequest(body: string, secret: string): RequestInit {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = createHmac("sha256", secret).update(`v0:${timestamp}:${body}`).digest("hex");
  const headers = { "x-slack-request-timestamp": timestamp, "x-slack-signature": `v0=${signature}` };
  return { method: "POST", headers: { ...headers, "content-type": "application/json" }, body };
}

handshakeTest("Slack: url_verification is echoed once its signature is right, and is no event", async () => {
  const id = listed("slack", "0123456789abcdef");
  const body = JSON.stringify({ token: "x", challenge: "3eZbrw1aB-<b>", type: "url_verification" });
  assertEcho(await ask(id, "", slackRequest(body, "0123456789abcdef")), "3eZbrw1aB-<b>");
  assertRefused(await ask(id, "", slackRequest(body, "another secret!!")));
  assertRefused(await ask(id, "", { method: "POST", body }));
  assertRefused(await ask(crypto.randomUUID(), "", slackRequest(body, "0123456789abcdef")));
  const event = JSON.stringify({ type: "event_callback", event_id: "Ev1", challenge: "x" });
  const stored = await ask(id, "", slackRequest(event, "0123456789abcdef"));
  assert.deepEqual([stored.status, JSON.parse(stored.text).success], [200, true]);
  assert.ok(stored.calls.includes("store_webhook_receipts"));
});

handshakeTest("Meta: hub.challenge comes back to who has the verify token, and to nobody else", async () => {
  const id = listed("meta", "meta-test-app-secret");
  // printf %s hub.verify_token | openssl dgst -sha256 -hmac meta-test-app-secret -r | cut -c1-32
  const verifyToken = "dbf4cee86ab1f79cbab63884b73183c6";
  assert.equal(await webhookSchemes.get("meta")!.verifyToken!("meta-test-app-secret"), verifyToken);
  const query = (token: string, challenge = "1158201444", mode = "subscribe") =>
    `?hub.mode=${mode}&hub.challenge=${challenge}&hub.verify_token=${token}`;
  assertEcho(await ask(id, query(verifyToken)), "1158201444");
  assertEcho(await ask(id, query(verifyToken, "%3Cscript%3E")), "<script>");
  for (const wrong of ["", "x", verifyToken.slice(1), `${verifyToken}&hub.verify_token=${verifyToken}`]) {
    assertRefused(await ask(id, query(wrong)));
  }
  for (const odd of [query(verifyToken, ""), query(verifyToken, "1", "unsubscribe"), "?", ""]) {
    assertRefused(await ask(id, odd));
  }
  assertRefused(await ask(id, query(verifyToken, "9".repeat(5000))));
  assertRefused(await ask(crypto.randomUUID(), query(verifyToken)));
  assertRefused(await ask(listed("generic_hmac", "meta-test-app-secret"), query(verifyToken)));
  // The token opens nothing but this.
  const headers = { "x-hub-signature-256": `sha256=${"0".repeat(64)}` };
  assertRefused(await ask(id, query(verifyToken), { method: "POST", headers, body: "{}" }));
});

handshakeTest("a GET is refused alike for every kind of webhook, whatever it is signed with", async () => {
  for (const scheme of webhookSchemes.values()) {
    const secret = scheme.generateSecret();
    const id = listed(scheme.provider, secret);
    const settings = scheme.settings().parse(scheme.exampleSettings);
    const sample = await scheme.sample(secret, settings, Date.now(), receiver.urlOf(id));
    const signedNothing = createHmac("sha256", secret).digest("hex");
    const headers = {
      ...sample?.headers,
      "x-signature": signedNothing,
      "x-hub-signature-256": `sha256=${signedNothing}`,
      "x-goog-resource-state": "sync",
    };
    assertRefused(await ask(id, sample ? new URL(sample.url).search : "", { headers }));
  }
});

handshakeTest(
  "Google: a channel's sync is answered and is no event; without the token it is refused",
  async () => {
    const id = listed("google_channel", "channel-token-0123456789", { channel_id: "c-1" });
    const init = (token: string, state: string, channel = "c-1"): RequestInit => ({
      method: "POST",
      headers: {
        ...{ "x-goog-channel-id": channel, "x-goog-channel-token": token, "x-goog-resource-state": state },
        "x-goog-message-number": "1",
      },
    });
    const synced = await ask(id, "", init("channel-token-0123456789", "sync"));
    assert.deepEqual([synced.status, JSON.parse(synced.text)], [200, { success: true }]);
    assert.equal(synced.calls.includes("store_webhook_receipts"), false);
    assertRefused(await ask(id, "", init("channel-token-9999999999", "sync")));
    assertRefused(await ask(id, "", init("channel-token-0123456789", "sync", "c-2")));
    assertRefused(await ask(id, "", { ...init("channel-token-9999999999", "sync"), method: "GET" }));
    const stored = await ask(id, "", init("channel-token-0123456789", "change"));
    assert.ok(stored.calls.includes("store_webhook_receipts"), stored.text);
  },
);

handshakeTest(
  "Microsoft: validationToken comes back as plain text from every address, and asks no database",
  async () => {
    const ids = [
      listed("microsoft_graph", "state-0123456789"),
      listed("slack", "x".repeat(16)),
      crypto.randomUUID(),
    ];
    for (const id of ids) {
      const asked = await ask(id, "?validationToken=Validation%3A%20Testing%20%3Cb%3E%20%2B%26", {
        method: "POST",
      });
      assertEcho(asked, "Validation: Testing <b> +&");
      assert.deepEqual(asked.calls, []);
      for (const query of ["", "?validationToken=", "?validationToken=1&validationToken=2"]) {
        assertRefused(await ask(id, query, { method: "POST" }));
      }
      assertRefused(await ask(id, `?validationToken=${"a".repeat(5000)}`, { method: "POST" }));
      assertRefused(await ask(id, "?validationToken=1", { method: "POST", body: '{"value":[]}' }));
      assertRefused(await ask(id, "?validationToken=1"));
    }
  },
);

handshakeTest(
  "Zenoti: its empty test is answered by every address that says it is Zenoti's, and is no event",
  async () => {
    const addressFor = webhookSchemes.get("zenoti")!.addressFor!;
    assert.equal(addressFor("https://hub.example/1", null, {}), "https://hub.example/1?provider=zenoti");
    for (
      const id of [
        listed("zenoti", "zenoti-secret-0123"),
        listed("github", "x".repeat(16)),
        crypto.randomUUID(),
      ]
    ) {
      const tested = await ask(id, "?provider=zenoti", { method: "POST" });
      assert.deepEqual([tested.status, JSON.parse(tested.text), tested.calls], [200, { success: true }, []]);
      assertRefused(await ask(id, "", { method: "POST" }));
      assertRefused(await ask(id, "?provider=hubspot", { method: "POST" }));
      assertRefused(await ask(id, "?provider=zenoti", { method: "POST", body: "{}" }));
      assertRefused(await ask(id, "?provider=zenoti"));
    }
  },
);

handshakeTest(
  "HubSpot has no question of its own: the test of a subscription is a signed event",
  async () => {
    const scheme = webhookSchemes.get("hubspot")!;
    const id = listed("hubspot", "hubspot-secret-0123");
    const sample = await scheme.sample("hubspot-secret-0123", {}, Date.now(), receiver.urlOf(id));
    const stored = await ask(id, "", sample!);
    assert.ok(stored.status === 200 && stored.calls.includes("store_webhook_receipts"), stored.text);
  },
);

handshakeTest("Salesforce: what is stored is acknowledged in XML, what is refused is not", async () => {
  const scheme = webhookSchemes.get("salesforce")!;
  const id = listed("salesforce", "salesforce-token-0123", { organization_id: "00D000000000001EAA" });
  const send = async (organization: string, token = "salesforce-token-0123") => {
    const sample = await scheme.sample(token, { organization_id: organization }, 0, receiver.urlOf(id));
    return await ask(id, new URL(sample!.url).search, sample!);
  };
  const stored = await send("00D000000000001");
  assert.equal(stored.status, 200);
  assert.match(stored.headers.get("content-type")!, /^text\/xml/);
  assert.match(stored.text, /<Ack>true<\/Ack>/);
  assert.ok(stored.calls.includes("store_webhook_receipts"));
  assertRefused(await send("00D000000000002"));
  assertRefused(await send("00D000000000001", "salesforce-token-9999"));
});
