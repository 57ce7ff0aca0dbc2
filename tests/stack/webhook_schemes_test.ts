import assert from "node:assert/strict";
import { startGoogleIdentity } from "../../simulators/google/identity.ts";
import { call } from "../support/api.ts";
import { functionUsage } from "../support/function_usage.ts";
import { allSenders, type Sender } from "../support/provider_requests.ts";
import { adminSql, sql, stack, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";
import { createWebhook } from "../support/webhook.ts";

const google = startGoogleIdentity(stack.googlePort);
globalThis.addEventListener("unload", () => void google.stop());

let shared: Promise<TestTenant> | undefined;
const theTenant = () => shared ??= createTenant();

const adminOf = (tenant: TestTenant) => ({ user: tenant.users.admin, orgId: tenant.orgs[0] });

async function webhookFor(sender: Sender, tenant: TestTenant) {
  const created = await call("integrations/webhooks", {
    ...adminOf(tenant),
    body: {
      provider: sender.provider,
      name: sender.what,
      settings: sender.settings,
      ...(sender.scheme.secretFrom === "nobody" ? {} : { secret: sender.secret }),
    },
  });
  assert.equal(created.status, 201, JSON.stringify(created.body));
  return created.body;
}

/** The address of a webhook as the sender signs it, without what belongs to the credential. */
const plain = (webhook: { id: string }) => `${stack.apiUrl}/functions/v1/webhook-receiver/${webhook.id}`;

async function post(request: { url: string } & RequestInit): Promise<{ status: number; text: string }> {
  const { url, ...init } = request;
  const response = await fetch(url, init);
  return { status: response.status, text: await response.text() };
}

for (const sender of allSenders(google)) {
  stackTest(`${sender.what}: what it sends is stored once, and a wrong secret stores nothing`, async () => {
    const tenant = await theTenant();
    const webhook = await webhookFor(sender, tenant);
    assert.deepEqual(webhook.settings, sender.settings);
    const request = await sender.send(Date.now(), plain(webhook));
    const first = await post(request);
    const again = await post(request);
    assert.deepEqual([first.status, again.status], [200, 200], first.text);
    if (sender.provider !== "salesforce") {
      const [stored, known] = [JSON.parse(first.text), JSON.parse(again.text)];
      assert.deepEqual([stored.duplicate, known.duplicate], [false, true]);
      assert.equal(known.receipt_id, stored.receipt_id);
    }
    const [other] = allSenders(google).filter(({ what }) => what === sender.what);
    if (sender.scheme.secretFrom !== "nobody") {
      const wrong = await post(await other!.send(Date.now(), plain(webhook)));
      assert.equal(wrong.status, 401, wrong.text);
    }
    const receipts = await sql`select r.event_count, b.headers, b.body from public.webhook_receipts r
      join public.webhook_receipt_bodies b on b.receipt_id = r.id where r.webhook_id = ${webhook.id}`;
    assert.equal(receipts.length, 1);
    if (sender.scheme.secretFrom !== "us" || sender.secret.startsWith("whpk_")) return;
    const stored = new TextDecoder().decode(receipts[0]!.body) + receipts[0]!.headers;
    const [, password = sender.secret] = sender.secret.split(":");
    for (const secret of [sender.secret, password, btoa(sender.secret)]) {
      assert.equal(stored.includes(secret), false, stored);
    }
  });

  stackTest(
    `${sender.what}: after a rotation the old and the new secret verify, until the overlap ends`,
    async () => {
      const tenant = await theTenant();
      const webhook = await webhookFor(sender, tenant);
      const [next] = allSenders(google).filter(({ what }) => what === sender.what);
      const rotate = (overlapSeconds: number) =>
        call(`integrations/webhooks/${webhook.id}/rotate`, {
          ...adminOf(tenant),
          body: { secret: next!.secret, overlap_seconds: overlapSeconds },
        });
      const statusOf = async (of: Sender) => (await post(await of.send(Date.now(), plain(webhook)))).status;
      if (sender.scheme.secretFrom === "nobody") {
        const refused = await rotate(600);
        assert.deepEqual([refused.status, refused.body.error_code], [422, "VALIDATION_FAILED"]);
        assert.equal(await statusOf(sender), 200);
        return;
      }
      assert.deepEqual([await statusOf(sender), await statusOf(next!)], [200, 401]);
      const rotated = await rotate(600);
      assert.deepEqual([rotated.status, rotated.body.signing_secret], [200, next!.secret]);
      assert.deepEqual([await statusOf(next!), await statusOf(sender)], [200, 200]);
      await sql`update public.integration_webhooks set previous_secret_expires_at = now() where id = ${webhook.id}`;
      assert.deepEqual([await statusOf(next!), await statusOf(sender)], [200, 401]);
    },
  );
}

stackTest(
  "Google is asked for its keys once by each worker, however much it pushes",
  async () => {
    const sender = allSenders(google).find(({ provider }) => provider === "google_pubsub")!;
    const webhook = await webhookFor(sender, await theTenant());
    const send = async () => await post(await sender.send(Date.now(), plain(webhook)));
    assert.equal((await send()).status, 200);
    const asked = google.requests;
    const before = await functionUsage("webhook-receiver");
    for (let index = 0; index < 5; index++) assert.equal((await send()).status, 200);
    const after = await functionUsage("webhook-receiver");
    assert.ok(
      google.requests - asked <= after.workers_started - before.workers_started,
      `${google.requests}`,
    );
  },
);

stackTest("an address that is not on the list is refused, whatever it says of itself", async () => {
  const webhook = await createWebhook(await theTenant(), "none", undefined, {
    settings: { allowed_addresses: ["203.0.113.0/24", "2001:db8::/32"] },
  });
  for (const name of ["x-forwarded-for", "x-real-ip", "cf-connecting-ip", "true-client-ip", "forwarded"]) {
    const answer = await post({
      url: webhook.url,
      method: "POST",
      body: "{}",
      headers: { [name]: "203.0.113.7" },
    });
    assert.equal(answer.status, 401, name);
  }
});

stackTest(
  "settings are checked, filled in, shown, replaced as a whole, and take effect with the next request",
  async () => {
    const tenant = await theTenant();
    const generic = allSenders(google).find(({ what }) => what === "generic_hmac")!;
    const created = await webhookFor({ ...generic, settings: {} }, tenant);
    assert.deepEqual(created.settings, {
      algorithm: "sha256",
      encoding: "auto",
      event_id_header: "x-event-id",
      event_type_header: "x-event-type",
      header: "x-signature",
      prefix: null,
      secret_encoding: "text",
      timestamp: null,
    });
    const shown = await call(`integrations/webhooks/${created.id}`, adminOf(tenant));
    assert.deepEqual(shown.body.settings, created.settings);
    const patch = (body: unknown) =>
      call(`integrations/webhooks/${created.id}`, { method: "PATCH", ...adminOf(tenant), body });
    const { scheme } = generic;
    const statusWith = async (settings: Record<string, unknown>) => {
      const parsed = scheme.settings().parse(settings);
      const sample = await scheme.sample(created.signing_secret, parsed, Date.now(), plain(created));
      return (await post(sample!)).status;
    };
    const other = { header: "x-shop-signature", algorithm: "sha512", timestamp: { header: "x-shop-time" } };
    assert.deepEqual([await statusWith({}), await statusWith(other)], [200, 401]);
    const patched = await patch({ settings: other });
    assert.equal(patched.status, 200, JSON.stringify(patched.body));
    assert.equal(patched.body.settings.timestamp.window_seconds, 300);
    assert.deepEqual([await statusWith({}), await statusWith(other)], [401, 200]);
    assert.equal((await patch({ name: "Renamed" })).body.settings.header, "x-shop-signature");
    assert.deepEqual((await patch({ settings: {} })).body.settings, created.settings);
    assert.equal(await statusWith({}), 200);
    const log =
      await sql`select event_type from public.integration_logs where webhook_id = ${created.id} order by id`;
    assert.deepEqual(log.map((row) => row.event_type), [
      "webhook.created",
      "webhook.configured",
      "webhook.renamed",
      "webhook.configured",
    ]);
  },
);

const WRONG: [string, Record<string, unknown>, string][] = [
  ["an unknown setting", { provider: "generic_hmac", settings: { secret: "x" } }, "settings"],
  ["no header name", { provider: "generic_hmac", settings: { header: "a b" } }, "settings.header"],
  ["no algorithm", { provider: "generic_hmac", settings: { algorithm: "md5" } }, "settings.algorithm"],
  [
    "a signed text without the body",
    { provider: "generic_hmac", settings: { timestamp: { signed: "{timestamp}" } } },
    "settings.timestamp.signed",
  ],
  [
    "a window of a year",
    { provider: "generic_hmac", settings: { timestamp: { window_seconds: 31536000 } } },
    "settings.timestamp.window_seconds",
  ],
  [
    "a secret that is no hexadecimal, as it should be",
    {
      provider: "generic_hmac",
      secret: "no-hexadecimal-at-all",
      settings: { secret_encoding: "hex" },
    },
    "secret",
  ],
  ["settings where there are none", { provider: "github", settings: { header: "x" } }, "settings"],
  ["Salesforce without its organization", { provider: "salesforce" }, "settings.organization_id"],
  [
    "an organization that is none",
    { provider: "salesforce", settings: { organization_id: "1" } },
    "settings.organization_id",
  ],
  ["no list of addresses", { provider: "none" }, "settings.allowed_addresses"],
  ["an empty list", { provider: "none", settings: { allowed_addresses: [] } }, "settings.allowed_addresses"],
  [
    "everybody's address",
    { provider: "none", settings: { allowed_addresses: ["0.0.0.0/0"] } },
    "settings.allowed_addresses.0",
  ],
  [
    "half of everybody's",
    { provider: "none", settings: { allowed_addresses: ["::/1"] } },
    "settings.allowed_addresses.0",
  ],
  [
    "a name for an address",
    { provider: "none", settings: { allowed_addresses: ["localhost"] } },
    "settings.allowed_addresses.0",
  ],
  [
    "a secret where none is used",
    { provider: "none", secret: "0123456789abcdef", settings: { allowed_addresses: ["203.0.113.7"] } },
    "secret",
  ],
  [
    "SendGrid with a private key's sort of secret",
    { provider: "sendgrid", secret: "0123456789abcdef" },
    "secret",
  ],
  ["Slack without its secret", { provider: "slack" }, "secret"],
  ["basic authentication without a colon", { provider: "basic_auth", secret: "0123456789abcdef" }, "secret"],
  ["a token longer than Zoho takes", { provider: "zoho", secret: "x".repeat(51) }, "secret"],
  ["Pub/Sub without a service account", { provider: "google_pubsub" }, "settings.service_account_email"],
  ["settings that are no object", { provider: "generic_hmac", settings: [] }, "settings"],
  [
    "settings with a control character",
    { provider: "generic_hmac", settings: { prefix: "a\u0000" } },
    "settings.prefix",
  ],
];

for (const [what, body, place] of WRONG) {
  stackTest(`creating a webhook with ${what} is 422 and says where`, async () => {
    const answer = await call("integrations/webhooks", {
      ...adminOf(await theTenant()),
      body: { name: "x", ...body },
    });
    assert.deepEqual(
      [answer.status, answer.body.error_code],
      [422, "VALIDATION_FAILED"],
      JSON.stringify(answer.body),
    );
    assert.ok(answer.body.error.startsWith(`${place}: `), answer.body.error);
  });
}

stackTest(
  "settings that do not fit the secret are refused, and those of another org are not found",
  async () => {
    const tenant = await theTenant();
    const webhook = await createWebhook(tenant, "generic_hmac", tenant.orgs[0], {
      secret: "no-hexadecimal-at-all",
    });
    const patch = (orgId: string, settings: unknown) =>
      call(`integrations/webhooks/${webhook.id}`, {
        method: "PATCH",
        user: tenant.users.admin,
        orgId,
        body: { settings },
      });
    const unfit = await patch(tenant.orgs[0], { secret_encoding: "hex" });
    assert.deepEqual(
      [unfit.status, unfit.body.error.slice(0, 7)],
      [422, "secret:"],
      JSON.stringify(unfit.body),
    );
    assert.equal((await patch(tenant.orgs[1], {})).status, 404);
    assert.equal((await patch(tenant.orgs[0], { encoding: "hex" })).status, 200);
  },
);

stackTest(
  "an address that holds a secret shows it once; a verify token is shown with the app's secret",
  async () => {
    const tenant = await theTenant();
    const create = async (provider: string, settings = {}, secret?: string) =>
      (await call("integrations/webhooks", {
        ...adminOf(tenant),
        body: { provider, name: "x", settings, secret },
      })).body;
    const salesforce = await create("salesforce", { organization_id: "00D000000000001" });
    assert.equal(salesforce.url, `${plain(salesforce)}?token=${salesforce.signing_secret}`);
    const shown = await call(`integrations/webhooks/${salesforce.id}`, adminOf(tenant));
    assert.equal(shown.body.url, `${plain(salesforce)}?token=`);
    assert.equal(JSON.stringify(shown.body).includes(salesforce.signing_secret), false);
    assert.equal((await create("zenoti")).url.endsWith("?provider=zenoti"), true);
    const meta = await create("meta", {}, "0123456789abcdef-meta");
    assert.match(meta.verify_token, /^[0-9a-f]{32}$/);
    const query = `?hub.mode=subscribe&hub.challenge=77&hub.verify_token=${meta.verify_token}`;
    const asked = await fetch(meta.url + query);
    assert.deepEqual([asked.status, await asked.text()], [200, "77"]);
    assert.match(asked.headers.get("content-type")!, /^text\/plain/);
    const none = await create("none", { allowed_addresses: ["203.0.113.7"] });
    assert.deepEqual([none.signing_secret, none.verify_token], [null, null]);
    const stored =
      await adminSql`select settings::text from public.integration_webhooks where id = ${meta.id}`;
    assert.equal(stored[0]!.settings.includes(meta.verify_token), false);
  },
);
