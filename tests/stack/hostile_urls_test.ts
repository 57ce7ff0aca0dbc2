import "../support/functions_env.ts";
import assert from "node:assert/strict";
import { PUBLIC_ADDRESS } from "../support/egress.ts";
import { hostileUrls } from "../support/hostile_urls.ts";
import { rawServer } from "../support/raw_server.ts";
import { sql, stack, stackTest } from "../support/stack.ts";
import { createTenant, type TestUser } from "../support/tenant.ts";

/** What listens inside; it must stay untouched. Its port is one that may be called. */
const inside = rawServer(({ write }) => write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));

/** The function as a project has it, where loopback may not be called, served here beside the stack's. */
Deno.env.set("INTERLOCK_EGRESS_PORTS", `443,${inside.port}`);
Deno.env.delete("INTERLOCK_EGRESS_ALLOW_LOCAL");
const { default: guardianMeta } = await import("../../supabase/functions/guardian-meta/index.ts");
Deno.env.delete("INTERLOCK_EGRESS_PORTS"); // It was read; other files share this process.

/** The outside's DNS, in the hands of somebody hostile: only one name has a public address. */
const asked: string[] = [];
let publicName = "";
Deno.resolveDns = ((name: string, type: string) => {
  asked.push(name);
  if (name === `${publicName}.`) return Promise.resolve(type === "A" ? [PUBLIC_ADDRESS] : []);
  return Promise.resolve(type === "A" ? ["127.0.0.1"] : ["::1"]);
}) as typeof Deno.resolveDns;

interface Saved {
  status: number;
  // deno-lint-ignore no-explicit-any -- the answer is what is looked at
  body: any;
}

async function withFunction(
  use: (save: (method: string, user: TestUser, body: unknown) => Promise<Saved>) => Promise<void>,
) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, guardianMeta.fetch);
  try {
    await use(async (method, user, body) => {
      const answer = await fetch(`http://127.0.0.1:${server.addr.port}/guardian-meta/integrations`, {
        method,
        headers: {
          apikey: stack.publishableKey,
          authorization: `Bearer ${user.token}`,
          "content-type": "application/json",
        },
        body: JSON.stringify(body),
      });
      return { status: answer.status, body: await answer.json() };
    });
  } finally {
    await server.shutdown();
  }
}

const integrationTo = (url: string) => ({
  integration_key: crypto.randomUUID(),
  label: "Test",
  scopes: ["readiness"],
  config: { webhook_url: url },
});

function assertRefused({ status, body }: Saved, url: string, path: string): void {
  const said = `${JSON.stringify(url)}: ${JSON.stringify(body)}`;
  assert.deepEqual([status, body.error_code], [422, "VALIDATION_FAILED"], said);
  assert.equal(body.details.issues[0].path, path, said);
  assert.doesNotMatch(body.details.issues[0].message, /127\.|169\.254|::1/, said);
}

stackTest("EGRESS: no hostile URL can be saved, and asking reaches nothing inside", async () => {
  const tenant = await createTenant();
  const user = tenant.users.admin;
  const urls = hostileUrls(inside.port);
  publicName = "hooks.example.net";
  const kept = `https://${publicName}:${inside.port}/hook`;
  await withFunction(async (save) => {
    const created = await save("POST", user, integrationTo(kept));
    assert.equal(created.status, 201, JSON.stringify(created.body));
    for (const { url } of urls) {
      assertRefused(await save("POST", user, integrationTo(url)), url, "config.webhook_url");
      const change = { id: created.body.id, config: { webhook_url: url } };
      assertRefused(await save("PATCH", user, { updates: [change] }), url, "updates.0.config.webhook_url");
    }
  });
  assert.ok(urls.length >= 60);
  const rows = await sql`select config ->> 'webhook_url' as url from public.guardian_meta_integrations
    where tenant_id = ${tenant.id}`;
  assert.deepEqual(rows.map((row) => row.url), [kept]);
  assert.equal(inside.connections, 0);
  assert.ok(asked.length > 0 && asked.every((name) => name.endsWith(".")), "names are asked as they stand");
  // The listener counts.
  (await Deno.connect({ hostname: "127.0.0.1", port: inside.port })).close();
  while (inside.connections === 0) await new Promise((resolve) => setTimeout(resolve, 1));
});
