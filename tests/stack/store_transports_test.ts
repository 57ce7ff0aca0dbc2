import assert from "node:assert/strict";
import { createDirectStore } from "../../supabase/functions/_shared/db/direct_store.ts";
import { createPostgrestStore } from "../../supabase/functions/_shared/db/postgrest_store.ts";
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
