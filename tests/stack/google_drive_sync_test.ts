import assert from "node:assert/strict";
import { AccessTokens } from "../../simulators/google/access_tokens.ts";
import { startGoogle } from "../../simulators/google/google.ts";
import { call } from "../support/api.ts";
import { connect } from "../support/channels.ts";
import { grantOf } from "../support/google_account.ts";
import { eventually, stack, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";

stackTest("google-drive-sync reads one folder of the chosen one, and refuses one outside of it", async () => {
  const tokens = new AccessTokens();
  const google = startGoogle({ port: stack.googlePort, tokens });
  try {
    const { store } = google.drive;
    const root = store.createFolder("Chosen").id;
    const within = store.createFolder("Within", root).id;
    const outside = store.createFolder("Outside").id;
    for (const parent of [root, within, within, outside]) store.createFile({ parent });
    const tenant = await createTenant();
    const { id } = await connect(tenant, {
      type: "google_workspace",
      config: { services: ["drive"], folder_id: root },
      credentials: grantOf(tokens.issue()),
      orgId: tenant.orgs[0],
    });
    const sync = async (body: object) => {
      const options = {
        user: tenant.users.manager,
        tenantId: tenant.id,
        body: { connector_id: id, ...body },
      };
      const started = await call("google-drive-sync", options);
      assert.equal(started.status, 200, JSON.stringify(started.body));
      return await eventually(async () => {
        const { body: run } = await call(`integrations/runs/${started.body.run_id}`, {
          user: tenant.users.manager,
        });
        return run.finished_at !== null && run;
      });
    };
    const narrow = await sync({ folder_id: within });
    assert.deepEqual([narrow.status, narrow.counts.created], ["completed", 2], JSON.stringify(narrow));
    const refused = await sync({ folder_id: outside });
    assert.deepEqual(
      [refused.status, refused.error_class],
      ["failed", "misconfigured"],
      JSON.stringify(refused),
    );
    assert.match(refused.error, /outside of what the connector reads/);
    const whole = await sync({});
    assert.deepEqual(
      whole.counts,
      { created: 2, updated: 0, deleted: 0, unchanged: 2, refused: 0 },
      JSON.stringify(whole),
    );
  } finally {
    await google.stop();
  }
});
