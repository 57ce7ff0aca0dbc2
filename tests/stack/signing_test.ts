import assert from "node:assert/strict";
import { Webhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { call } from "../support/api.ts";
import { sql, stackTest } from "../support/stack.ts";
import {
  judgeRequest,
  type SignedRequest,
  type StandardReceiver,
  startStandardReceiver,
} from "../support/standard_receiver.ts";
import {
  forgedWithPublicKey,
  headerOf,
  TAMPERINGS,
  withFlippedBit,
  withFlippedSignatureBit,
  withSignatureOf,
} from "../support/tampering.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";

type Version = "v1" | "v1a";

/** An integration that delivers to a receiver, and what the receiver verifies with. */
interface Subscribed {
  id: string;
  /** whsec_... or whpk_... */
  key: string;
}

async function subscribe(
  tenant: TestTenant,
  receiver: StandardReceiver,
  signature: Version,
): Promise<Subscribed> {
  const created = await call("guardian-meta/integrations", {
    user: tenant.users.admin,
    body: {
      integration_key: crypto.randomUUID(),
      label: "Signed",
      scopes: ["readiness"],
      config: { webhook_url: `${receiver.url}/${signature}`, signature },
    },
  });
  assert.equal(created.status, 201, JSON.stringify(created.body));
  assert.equal(created.body.config.signature, signature);
  const { signing_secret: secret, public_key: publicKey } = created.body;
  assert.equal(secret === null, signature === "v1a");
  assert.equal(publicKey === null, signature === "v1");
  return { id: created.body.id, key: secret ?? publicKey };
}

/** Sends a test event the real way and answers the request that came. */
async function deliver(
  tenant: TestTenant,
  { id }: Subscribed,
  receiver: StandardReceiver,
): Promise<SignedRequest> {
  const before = receiver.requests.length;
  const sent = await call("guardian-meta/integrations/test", {
    user: tenant.users.admin,
    body: { integration_id: id },
  });
  assert.equal(sent.body.success, true, JSON.stringify(sent.body));
  assert.equal(receiver.requests.length, before + 1);
  return receiver.requests[before]!;
}

async function withReceiver(
  test: (receiver: StandardReceiver, tenant: TestTenant) => Promise<void>,
): Promise<void> {
  const receiver = await startStandardReceiver();
  try {
    await test(receiver, await createTenant());
  } finally {
    await receiver.close();
  }
}

for (const version of ["v1", "v1a"] as const) {
  stackTest(
    `${version}: a receiver written from the standard accepts what arrives, and no kind of tampering`,
    () =>
      withReceiver(async (receiver, tenant) => {
        const integration = await subscribe(tenant, receiver, version);
        const request = await deliver(tenant, integration, receiver);
        const keys = [integration.key];
        assert.equal(await judgeRequest(request, keys), "accepted");
        assert.match(headerOf(request, "webhook-signature"), /^v1a?,[A-Za-z0-9+/]+={1,2}$/);
        assert.doesNotMatch(headerOf(request, "webhook-id"), /\./);
        for (const { what, because, tamper } of TAMPERINGS) {
          assert.match(await judgeRequest(tamper(request), keys), because, what);
        }
        for (let bit = 0; bit < request.body.length * 8; bit++) {
          assert.equal(
            await judgeRequest(withFlippedBit(request, bit), keys),
            "no signature matches",
            `bit ${bit}`,
          );
        }
        for (let bit = 0; bit < 512; bit++) {
          const forged = withFlippedSignatureBit(request, bit);
          assert.equal(await judgeRequest(forged, keys), "no signature matches", `signature bit ${bit}`);
        }
        for (const [minutes, verdict] of [[4, "accepted"], [6, "the timestamp is too old"]] as const) {
          assert.equal(await judgeRequest(request, keys, Date.now() + minutes * 60_000), verdict);
        }
        assert.match(await judgeRequest(request, keys, Date.now() - 360_000), /in the future$/);
      }),
  );

  stackTest(
    `${version}: a signature is worth nothing for another request, another endpoint or another kind`,
    () =>
      withReceiver(async (receiver, tenant) => {
        const [one, other] = [
          await subscribe(tenant, receiver, version),
          await subscribe(tenant, receiver, version),
        ];
        const crossed = await subscribe(tenant, receiver, version === "v1" ? "v1a" : "v1");
        const request = await deliver(tenant, one, receiver);
        const again = await deliver(tenant, one, receiver);
        const foreign = await deliver(tenant, other, receiver);
        assert.equal(await judgeRequest(again, [one.key]), "accepted");
        for (
          const [what, tampered, keys] of [
            ["an earlier request's signature", withSignatureOf(again, request), [one.key]],
            ["another endpoint's request", foreign, [one.key]],
            ["another endpoint's signature", withSignatureOf(request, foreign), [one.key]],
            ["a key of the other kind", request, [crossed.key]],
            ["no key at all", request, []],
          ] as const
        ) {
          assert.equal(await judgeRequest(tampered, [...keys]), "no signature matches", what);
        }
      }),
  );
}

stackTest(
  "v1: the libraries of the standard and of Svix accept what arrives, and not what was changed",
  () =>
    withReceiver(async (receiver, tenant) => {
      const integration = await subscribe(tenant, receiver, "v1");
      const request = await deliver(tenant, integration, receiver);
      const headers = Object.fromEntries(request.headers.map(([name, value]) => [name.toLowerCase(), value]));
      const body = new TextDecoder().decode(request.body);
      for (const library of [new Webhook(integration.key), new SvixWebhook(integration.key)]) {
        library.verify(body, headers);
        assert.throws(() => library.verify(`${body} `, headers));
        assert.throws(() => library.verify(body, { ...headers, "webhook-id": "msg_other" }));
      }
    }),
);

stackTest(
  "v1a: who knows the public key cannot sign with it, not as v1 either",
  () =>
    withReceiver(async (receiver, tenant) => {
      const integration = await subscribe(tenant, receiver, "v1a");
      const forged = forgedWithPublicKey(await deliver(tenant, integration, receiver), integration.key);
      assert.equal(await judgeRequest(forged, [integration.key]), "no signature matches");
      assert.equal(await judgeRequest(forged, [integration.key.replace("whpk_", "whsec_")]), "accepted");
    }),
);

stackTest(
  "v1a: the private key is in no answer, no table but Vault's, and belongs to the public key",
  () =>
    withReceiver(async (receiver, tenant) => {
      const integration = await subscribe(tenant, receiver, "v1a");
      const listed = await call("guardian-meta/integrations", { user: tenant.users.manager });
      assert.equal(listed.body.data[0].public_key, integration.key);
      assert.doesNotMatch(JSON.stringify(listed.body), /whsk_|whsec_/);
      const [stored] = await sql`select s.decrypted_secret, i as row
      from public.guardian_meta_integrations i join vault.decrypted_secrets s on s.id = i.secret_ref
      where i.id = ${integration.id}`;
      const halves = atob(stored!.decrypted_secret.slice("whsk_".length));
      assert.equal(halves.length, 64);
      assert.equal(`whpk_${btoa(halves.slice(32))}`, integration.key);
      assert.doesNotMatch(JSON.stringify(stored!.row), /whsk_/);
    }),
);

stackTest(
  "how a subscription signs follows its secret, whoever stores it, and cannot be said otherwise",
  async () => {
    const tenant = await createTenant();
    const insert = (secret: string, config: Record<string, string>) =>
      sql`insert into public.event_subscriptions (tenant_id, label, event_types, config, secret_ref)
      values (${tenant.id}, 'Kind', array['contact.*'], ${
        sql.json({ webhook_url: "https://example.com", ...config })
      },
        public.store_secret(${tenant.id}, ${secret}, 'test'))
      returning id, config ->> 'signature' as signature, public_key`;
    const pair =
      "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    const publicKey = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
    const secret = `whsec_${btoa("s".repeat(32))}`;
    const [asymmetric] = await insert(pair, { signature: "v1" });
    assert.deepEqual([asymmetric!.signature, asymmetric!.public_key], ["v1a", publicKey]);
    const [symmetric] = await insert(secret, { signature: "v1a" });
    assert.deepEqual([symmetric!.signature, symmetric!.public_key], ["v1", null]);
    for (
      const wrong of [
        "whsec_",
        "whsec_c2hvcnQ=",
        `${pair}x`,
        "whsk_c2hvcnQ=",
        `whsec_${btoa("s".repeat(65))}`,
        "secret",
        publicKey,
      ]
    ) {
      await assert.rejects(insert(wrong, {}), { code: "IL422" }, wrong);
    }
    await assert.rejects(
      sql`update public.event_subscriptions set config = config || '{"signature": "v1a"}' where id = ${
        symmetric!.id
      }`,
      /signature_check/,
    );
    const without = await sql`select c.relname from pg_catalog.pg_inherits h
    join pg_catalog.pg_class c on c.oid = h.inhrelid
    where h.inhparent = 'private.delivery_subscriptions'::regclass and not exists (
      select from pg_catalog.pg_trigger t
      where t.tgrelid = c.oid and t.tgfoid = 'private.read_signing_secret'::regproc
    )`;
    assert.deepEqual([...without], [], "every kind of subscription has the trigger");
  },
);
