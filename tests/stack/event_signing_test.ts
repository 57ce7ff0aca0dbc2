import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import { adminSql, sql, stackTest } from "../support/stack.ts";
import { judgeRequest, startStandardReceiver } from "../support/standard_receiver.ts";
import { headerOf } from "../support/tampering.ts";
import { createTenant } from "../support/tenant.ts";

stackTest(
  "a subscription to events is rotated from v1 to v1a and on, of its org alone, logged and verified",
  async () => {
    const receiver = await startStandardReceiver();
    try {
      const tenant = await createTenant();
      const [north, south] = tenant.orgs as [string, string];
      const user = tenant.users.owner;
      const created = await call("event-subscriptions", {
        user,
        orgId: north,
        body: { label: "Rotated", event_types: ["contact.*"], config: { webhook_url: receiver.url } },
      });
      assert.equal(created.status, 201, JSON.stringify(created.body));
      const { id, signing_secret: secret } = created.body;
      const rotate = (orgId: string, body: Record<string, unknown>) =>
        call(`event-subscriptions/${id}/rotate`, { user, orgId, body });
      const elsewhere = await rotate(south, {});
      assert.deepEqual([elsewhere.status, elsewhere.body.error_code], [404, "NOT_FOUND"]);
      await assert.rejects(
        sql`select public.rotate_event_subscription_secret(${tenant.id}, ${south}, ${id}, ${secret}, 0, null)`,
        { code: "IL404" },
      );

      const rotated = await rotate(north, { signature: "v1a", overlap_seconds: 600 });
      assert.equal(rotated.status, 200, JSON.stringify(rotated.body));
      assert.deepEqual([rotated.body.signing_secret, rotated.body.config.signature], [null, "v1a"]);
      const deliver = async () => {
        const sent = await call("event-subscriptions/test", {
          user,
          orgId: north,
          body: { integration_id: id },
        });
        assert.equal(sent.body.success, true, JSON.stringify(sent.body));
        return receiver.requests.at(-1)!;
      };
      const both = await deliver();
      assert.equal(headerOf(both, "webhook-signature").split(" ").length, 2);
      assert.equal(await judgeRequest(both, [secret]), "accepted");
      assert.equal(await judgeRequest(both, [rotated.body.public_key]), "accepted");

      const again = await rotate(north, { overlap_seconds: 0 });
      const alone = await deliver();
      assert.equal(await judgeRequest(alone, [again.body.public_key]), "accepted");
      assert.equal(await judgeRequest(alone, [secret, rotated.body.public_key]), "no signature matches");
      const kept = await adminSql`select 1 from vault.secrets where name like ${`interlock/${tenant.id}/%`}
        and description = 'outbound webhook signing secret'`;
      assert.equal(kept.length, 1);
      const logs = await sql`select org_id, details from public.integration_logs
        where tenant_id = ${tenant.id} and event_type = 'subscription.rotated' order by id`;
      assert.deepEqual(logs.map((row) => [row.org_id, row.details.signature, row.details.overlap_seconds]), [
        [north, "v1a", 600],
        [north, "v1a", 0],
      ]);
    } finally {
      await receiver.close();
    }
  },
);
