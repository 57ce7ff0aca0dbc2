import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import { stack, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";
import { receiverUrl } from "../support/webhook.ts";

stackTest(
  "every answer carries x-request-id; a well-formed one of the caller is kept, another replaced",
  async () => {
    const kept = await call("integrations/webhooks", { headers: { "x-request-id": "abcdefgh-1" } });
    assert.equal(kept.headers.get("x-request-id"), "abcdefgh-1");
    const replaced = await call("integrations/webhooks", {
      headers: { "x-request-id": "has spaces and <tags>" },
    });
    assert.match(replaced.headers.get("x-request-id")!, /^[0-9a-f-]{36}$/);
    assert.equal(replaced.body.request_id, replaced.headers.get("x-request-id"));
  },
);

stackTest("an unknown route is 404, a known one with another method 405 with Allow", async () => {
  const tenant = await createTenant();
  const unknown = await call("integrations/nothing-here", { user: tenant.users.owner });
  assert.deepEqual([unknown.status, unknown.body.error_code], [404, "NOT_FOUND"]);
  const method = await call("integrations/webhooks", { method: "DELETE", user: tenant.users.owner });
  assert.deepEqual([method.status, method.body.error_code], [405, "METHOD_NOT_ALLOWED"]);
  assert.equal(method.headers.get("allow"), "GET, POST");
});

stackTest("a body that is no JSON is 400, a larger one than 1 MiB 413", async () => {
  const tenant = await createTenant();
  const post = async (body: BodyInit) => {
    const response = await fetch(`${stack.apiUrl}/functions/v1/integrations/webhooks`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${tenant.users.admin.token}`,
        apikey: stack.publishableKey,
        "x-org-id": tenant.orgs[0],
      },
      body,
    });
    return [response.status, (await response.json()).error_code];
  };
  for (const body of ["", "{", "nul\u0000", new Uint8Array([0xff, 0xfe, 0x7b])]) {
    assert.deepEqual(await post(body), [400, "MALFORMED_BODY"]);
  }
  assert.deepEqual(await post("x".repeat(1024 * 1024 + 1)), [413, "PAYLOAD_TOO_LARGE"]);
  for (const body of ["null", "[]", "3", '"x"', "{}"]) {
    assert.deepEqual(await post(body), [422, "VALIDATION_FAILED"]);
  }
});

stackTest("CORS: no origin is let in that is not on the list", async () => {
  const preflight = await fetch(`${stack.apiUrl}/functions/v1/integrations/webhooks`, {
    method: "OPTIONS",
    headers: { origin: "https://evil.example", "access-control-request-method": "GET" },
  });
  assert.equal(preflight.headers.get("access-control-allow-origin"), null);
  await preflight.body?.cancel();
});

stackTest("a refusal is answered only after the body was drained, and it is answered", async () => {
  // 2 MiB without credentials, sent slowly: refused before the body is read, answered after its last byte.
  const url = new URL(`${stack.apiUrl}/functions/v1/integrations/webhooks`);
  const totalBytes = 2 * 1024 * 1024;
  const connection = await Deno.connect({ hostname: url.hostname, port: Number(url.port) });
  let sentBytes = 0;
  const answered = (async () => {
    const buffer = new Uint8Array(4096);
    const length = await connection.read(buffer);
    return { sentBytes, text: new TextDecoder().decode(buffer.subarray(0, length ?? 0)) };
  })();
  const writer = connection.writable.getWriter();
  const head = `POST ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\ncontent-length: ${totalBytes}\r\n\r\n`;
  await writer.write(new TextEncoder().encode(head));
  const send = async () => {
    while (sentBytes < totalBytes) {
      await writer.write(new Uint8Array(64 * 1024));
      sentBytes += 64 * 1024;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return await answered;
  };
  // Without the drain nobody takes the body, and the sender is stuck.
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("No answer within 5 s")), 5000);
  });
  const answer = await Promise.race([send(), late]).finally(() => {
    clearTimeout(timer);
    connection.close();
  });
  assert.match(answer.text, /^HTTP\/1\.1 401 /);
  assert.equal(answer.sentBytes, totalBytes);
});

stackTest("a public function answers without any key, a user's function does not", async () => {
  const open = await fetch(`${receiverUrl}/${crypto.randomUUID()}`, { method: "POST", body: "{}" });
  assert.deepEqual([open.status, (await open.json()).error], [401, "The signature is missing or not valid."]);
  const closed = await fetch(`${stack.apiUrl}/functions/v1/integrations/webhooks`);
  assert.deepEqual([closed.status, (await closed.json()).error_code], [401, "UNAUTHENTICATED"]);
});

stackTest("a workspace or org that is no uuid names nothing, however odd the header", async () => {
  const tenant = await createTenant();
  const user = tenant.users.admin;
  for (const odd of ["x", "\u00e9\u00ff", "9".repeat(60_000), "a, b", "{}"]) {
    const workspace = await call("integrations/webhooks", { user, tenantId: odd, orgId: tenant.orgs[0] });
    assert.deepEqual(
      [workspace.status, workspace.body.error_code],
      [404, "TENANT_NOT_FOUND"],
      odd.slice(0, 20),
    );
    const org = await call("integrations/webhooks", { user, orgId: odd });
    assert.deepEqual([org.status, org.body.error_code], [404, "NOT_FOUND"], odd.slice(0, 20));
  }
});

stackTest("half a surrogate pair in a text is the caller's fault", async () => {
  const tenant = await createTenant();
  const response = await fetch(`${stack.apiUrl}/functions/v1/integrations/webhooks`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${tenant.users.admin.token}`,
      apikey: stack.publishableKey,
      "x-org-id": tenant.orgs[0],
    },
    body: '{"provider":"generic_hmac","name":"a\\ud800b"}',
  });
  assert.deepEqual([response.status, (await response.json()).error_code], [422, "VALIDATION_FAILED"]);
});
