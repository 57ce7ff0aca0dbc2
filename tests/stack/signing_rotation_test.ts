import assert from "node:assert/strict";
import { Webhook } from "standardwebhooks";
import { call } from "../support/api.ts";
import { adminSql, sql, stackTest } from "../support/stack.ts";
import { judgeRequest, type SignedRequest, startStandardReceiver } from "../support/standard_receiver.ts";
import { headerOf } from "../support/tampering.ts";
import { createTenant } from "../support/tenant.ts";

/** An integration under rotation. */
interface Rotated {
  id: string;
  tenantId: string;
  /** The secret it was created with. */
  firstSecret: string;
  // deno-lint-ignore no-explicit-any
  rotate(body: Record<string, unknown>): Promise<{ status: number; body: any }>;
  /** Sends a test event the real way and answers the request that came. */
  deliver(): Promise<SignedRequest>;
}

async function withRotated(test: (rotated: Rotated) => Promise<void>): Promise<void> {
  const receiver = await startStandardReceiver();
  try {
    const tenant = await createTenant();
    const user = tenant.users.admin;
    const created = await call("guardian-meta/integrations", {
      user,
      body: {
        integration_key: "r",
        label: "R",
        scopes: ["readiness"],
        config: { webhook_url: receiver.url },
      },
    });
    assert.equal(created.status, 201, JSON.stringify(created.body));
    const { id, signing_secret: firstSecret } = created.body;
    await test({
      ...{ id, tenantId: tenant.id, firstSecret },
      rotate: (body) => call(`guardian-meta/integrations/${id}/rotate`, { user, body }),
      deliver: async () => {
        const sent = await call("guardian-meta/integrations/test", { user, body: { integration_id: id } });
        assert.equal(sent.body.success, true, JSON.stringify(sent.body));
        return receiver.requests.at(-1)!;
      },
    });
  } finally {
    await receiver.close();
  }
}

const versionsIn = (request: SignedRequest) =>
  headerOf(request, "webhook-signature").split(" ").map((item) => item.split(",")[0]);

/** Which of the keys alone is enough for the request. */
async function acceptedBy(request: SignedRequest, keys: string[]): Promise<boolean[]> {
  return await Promise.all(keys.map(async (key) => await judgeRequest(request, [key]) === "accepted"));
}

/** What of the secrets Vault still holds. */
async function stored(secrets: string[]): Promise<boolean[]> {
  const rows = await adminSql`select decrypted_secret as secret from vault.decrypted_secrets`;
  return secrets.map((secret) => rows.some((row) => row.secret === secret));
}

stackTest(
  "a rotation signs with both secrets, the next one drops the oldest, and 0 seconds ends it now",
  () =>
    withRotated(async ({ id, tenantId, firstSecret, rotate, deliver }) => {
      assert.deepEqual(versionsIn(await deliver()), ["v1"]);
      const asked = Date.now();
      const once = await rotate({});
      assert.equal(once.status, 200, JSON.stringify(once.body));
      assert.match(once.body.signing_secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
      const expiresMs = Date.parse(once.body.previous_secret_expires_at);
      assert.ok(Math.abs(expiresMs - asked - 86_400_000) < 60_000, once.body.previous_secret_expires_at);
      const first = await deliver();
      assert.deepEqual(versionsIn(first), ["v1", "v1"]);
      const secrets = [firstSecret, once.body.signing_secret];
      assert.deepEqual(await acceptedBy(first, secrets), [true, true]);
      const headers = Object.fromEntries(first.headers.map(([name, value]) => [name.toLowerCase(), value]));
      for (const secret of secrets) new Webhook(secret).verify(new TextDecoder().decode(first.body), headers);

      secrets.push((await rotate({ overlap_seconds: 3600 })).body.signing_secret);
      assert.deepEqual(await acceptedBy(await deliver(), secrets), [false, true, true]);
      assert.deepEqual(await stored(secrets), [false, true, true]);
      const last = await rotate({ overlap_seconds: 0 });
      secrets.push(last.body.signing_secret);
      assert.equal(last.body.previous_secret_expires_at, null);
      const alone = await deliver();
      assert.deepEqual(versionsIn(alone), ["v1"]);
      assert.deepEqual(await acceptedBy(alone, secrets), [false, false, false, true]);
      assert.deepEqual(await stored(secrets), [false, false, false, true]);
      const [row] =
        await sql`select config_version, previous_secret_ref from public.guardian_meta_integrations
      where id = ${id}`;
      assert.deepEqual({ ...row }, { config_version: 4, previous_secret_ref: null });
      assert.equal(await secretCount(tenantId), 1);
    }),
);

async function secretCount(tenantId: string): Promise<number> {
  const [row] = await adminSql`select count(*)::int as count from vault.secrets
    where name like ${`interlock/${tenantId}/%`} and description = 'outbound webhook signing secret'`;
  return row!.count;
}

stackTest(
  "a rotation changes the kind: both kinds sign for the overlap, and the way back works alike",
  () =>
    withRotated(async ({ firstSecret, rotate, deliver }) => {
      const there = await rotate({ signature: "v1a" });
      assert.equal(there.body.signing_secret, null);
      assert.match(there.body.public_key, /^whpk_[A-Za-z0-9+/]{43}=$/);
      assert.equal(there.body.config.signature, "v1a");
      const mixed = await deliver();
      assert.deepEqual(versionsIn(mixed), ["v1a", "v1"]);
      assert.deepEqual(await acceptedBy(mixed, [there.body.public_key, firstSecret]), [true, true]);
      const kept = await rotate({ overlap_seconds: 60 });
      assert.equal(kept.body.config.signature, "v1a", "the kind stays where none is named");
      assert.notEqual(kept.body.public_key, there.body.public_key);
      const asymmetric = await deliver();
      assert.deepEqual(versionsIn(asymmetric), ["v1a", "v1a"]);
      const keys = [kept.body.public_key, there.body.public_key, firstSecret];
      assert.deepEqual(await acceptedBy(asymmetric, keys), [true, true, false]);
      const back = await rotate({ signature: "v1", overlap_seconds: 0 });
      assert.deepEqual([back.body.public_key, back.body.config.signature], [null, "v1"]);
      assert.deepEqual(await acceptedBy(await deliver(), [back.body.signing_secret, ...keys]), [
        ...[true, false, false, false],
      ]);
    }),
);

stackTest(
  "the old secret stops at its instant in a running worker, and is taken out of Vault",
  () =>
    withRotated(async ({ id, tenantId, firstSecret, rotate, deliver }) => {
      const rotated = await rotate({ overlap_seconds: 2 });
      const expiresMs = Date.parse(rotated.body.previous_secret_expires_at);
      const warm = await deliver();
      if (Date.now() < expiresMs) assert.deepEqual(versionsIn(warm), ["v1", "v1"]);
      await new Promise((resolve) => setTimeout(resolve, expiresMs - Date.now() + 1));
      const after = await deliver();
      assert.deepEqual(await acceptedBy(after, [firstSecret, rotated.body.signing_secret]), [false, true]);
      assert.equal(await secretCount(tenantId), 2);
      await adminSql`select private.forget_ended_secrets()`;
      assert.deepEqual(await stored([firstSecret, rotated.body.signing_secret]), [false, true]);
      const [row] = await sql`select previous_secret_ref, previous_secret_expires_at, config_version
      from public.guardian_meta_integrations where id = ${id}`;
      assert.deepEqual({ ...row }, {
        ...{ previous_secret_ref: null, previous_secret_expires_at: null, config_version: 2 },
      });
      assert.deepEqual(versionsIn(await deliver()), ["v1"]);
      const [job] = await adminSql`select command from cron.job where jobname = 'interlock-forget-secrets'`;
      assert.equal(job!.command, "select private.forget_ended_secrets()");
    }),
);

stackTest(
  "a rotation is audited and logged with who and what kind, never with a secret",
  () =>
    withRotated(async ({ id, tenantId, firstSecret, rotate }) => {
      const rotated = await rotate({ signature: "v1a", overlap_seconds: 60 });
      const audit = await sql`select action, actor_id, changes from public.audit_log
      where tenant_id = ${tenantId} and table_name = 'guardian_meta_integrations' order by id`;
      assert.deepEqual(audit.map((row) => row.action), ["insert", "update"]);
      assert.equal(audit[0]!.actor_id, audit[1]!.actor_id);
      assert.ok(audit[1]!.actor_id);
      assert.equal(audit[1]!.changes.public_key.new, rotated.body.public_key);
      const logs = await sql`select status, details from public.integration_logs
      where tenant_id = ${tenantId} and event_type = 'integration.rotated'`;
      assert.deepEqual(logs.map((row) => ({ ...row })), [{
        status: "success",
        details: { integration_id: id, signature: "v1a", overlap_seconds: 60 },
      }]);
      assert.doesNotMatch(JSON.stringify([audit, logs]), /whsk_|whsec_/);
      assert.equal(JSON.stringify([audit, logs]).includes(firstSecret), false);
    }),
);

stackTest(
  "rotations at the same time leave no secret behind that signs nothing",
  () =>
    withRotated(async ({ tenantId, rotate, deliver }) => {
      const answers = await Promise.all(Array.from({ length: 6 }, () => rotate({ overlap_seconds: 3600 })));
      assert.deepEqual(answers.map((answer) => answer.status), Array(6).fill(200));
      assert.equal(await secretCount(tenantId), 2);
      const accepted = await acceptedBy(await deliver(), answers.map((answer) => answer.body.signing_secret));
      assert.equal(accepted.filter(Boolean).length, 2);
    }),
);

stackTest(
  "what a rotation must refuse changes nothing",
  () =>
    withRotated(async ({ id, rotate, deliver, firstSecret }) => {
      for (
        const [body, path] of [
          [{ overlap_seconds: -1 }, "overlap_seconds"],
          [{ overlap_seconds: 604801 }, "overlap_seconds"],
          [{ overlap_seconds: 1.5 }, "overlap_seconds"],
          [{ overlap_seconds: "60" }, "overlap_seconds"],
          [{ signature: "v2" }, "signature"],
          [{ secret: firstSecret }, ""],
        ] as const
      ) {
        const refused = await rotate(body);
        assert.deepEqual(
          [refused.status, refused.body.error_code],
          [422, "VALIDATION_FAILED"],
          JSON.stringify(body),
        );
        assert.equal(refused.body.details.issues[0].path, path);
      }
      const foreign = await createTenant();
      const theirs = await call(`guardian-meta/integrations/${id}/rotate`, {
        user: foreign.users.admin,
        body: {},
      });
      assert.deepEqual([theirs.status, theirs.body.error_code], [404, "NOT_FOUND"]);
      for (const overlap of [-1, 604801, null]) {
        await assert.rejects(
          sql`select public.rotate_guardian_meta_integration_secret(i.tenant_id, i.id, ${firstSecret}, ${overlap}, null)
          from public.guardian_meta_integrations i where i.id = ${id}`,
          { code: "IL422" },
        );
      }
      await assert.rejects(
        sql`select public.rotate_guardian_meta_integration_secret(${foreign.id}, ${id}, ${firstSecret}, 0, null)`,
        { code: "IL404" },
      );
      assert.deepEqual(await acceptedBy(await deliver(), [firstSecret]), [true]);
      const patched = await call("guardian-meta/integrations", {
        method: "PATCH",
        user: foreign.users.admin,
        body: { updates: [{ id, config: { signature: "v1a" } }] },
      });
      assert.equal(patched.status, 422, "the kind changes by rotation only");
    }),
);
