import assert from "node:assert/strict";
import { createDirectStore } from "../../supabase/functions/_shared/db/direct_store.ts";
import { createPostgrestStore } from "../../supabase/functions/_shared/db/postgrest_store.ts";
import { createCustomer, linkAccount, newAccount, unknownCount } from "../support/app.ts";
import { stack, stackTest } from "../support/stack.ts";

const transports = {
  "a direct connection": () => createDirectStore({ databaseUrl: stack.dbUrl, maxConnections: 1 }),
  "PostgREST": () => createPostgrestStore({ restUrl: `${stack.apiUrl}/rest/v1`, secretKey: stack.secretKey }),
};

for (const [transport, createStore] of Object.entries(transports)) {
  stackTest(`an empty list reaches a function over ${transport}, of objects as of ids`, async () => {
    const store = createStore();
    try {
      assert.equal(await store.call("finish_event_dispatches", { p_results: [] }), 0);
      assert.deepEqual(await store.call("get_webhook_receipt_bodies", { p_receipt_ids: [] }), {});
    } finally {
      await store.close();
    }
  });
}

for (const [transport, createStore] of Object.entries(transports)) {
  stackTest(`accounts of an app, whatever is in their names, are resolved over ${transport}`, async () => {
    const [{ tenant, connectorId, accountId, webhookId }, store] = [await createCustomer(), createStore()];
    const odd = `${accountId}-"\\{},'--`;
    await linkAccount(tenant.id, connectorId, odd);
    try {
      const args = { p_provider: "hubspot", p_account_ids: [odd, "nobody's", accountId] };
      const found = await store.call<Record<string, { webhook_id: string }>>("resolve_app_accounts", args);
      assert.deepEqual(Object.keys(found).sort(), [accountId, odd].sort());
      for (const { webhook_id } of Object.values(found)) assert.equal(webhook_id, webhookId);
      assert.deepEqual(await store.call("resolve_app_accounts", { ...args, p_account_ids: [] }), {});
      const counts = [{ provider: "hubspot", account_id: newAccount(), requests: 1, elements: 2 }];
      await store.call("count_unknown_app_accounts", { p_counts: counts });
      assert.deepEqual(await unknownCount("hubspot", counts[0]!.account_id), { requests: 1, elements: 2 });
    } finally {
      await store.close();
    }
  });
}
