import assert from "node:assert/strict";
import { callOurselves, explained } from "../../supabase/functions/integrations/self_call.ts";

/** Sends a sample to a server that answers as told; answers what was heard, and the request it got. */
async function heardFrom(answer: () => Response) {
  let got: { id: string | null; body: string } | undefined;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    got = { id: request.headers.get("x-request-id"), body: await request.text() };
    return answer();
  });
  try {
    const heard = await callOurselves(sampleTo(`http://127.0.0.1:${server.addr.port}/hook`), "test_1");
    return { heard, got };
  } finally {
    await server.shutdown();
  }
}

const sampleTo = (url: string) => ({
  method: "POST" as const,
  url,
  headers: { "x-signature": "s" },
  body: new TextEncoder().encode("{}"),
});

Deno.test("SELF CALL: a sample carries its request id, and the answer is told", async () => {
  const { heard, got } = await heardFrom(() => new Response("stored", { status: 200 }));
  assert.deepEqual([heard.status, heard.answer], [200, "stored"]);
  assert.deepEqual(got, { id: "test_1", body: "{}" });
});

Deno.test("SELF CALL: a redirect is told and not followed, a long answer is cut", async () => {
  const redirected = await heardFrom(() =>
    new Response(null, { status: 302, headers: { location: "/hook" } })
  );
  assert.equal(redirected.heard.status, 302);
  const long = await heardFrom(() => new Response("ä".repeat(100_000)));
  assert.ok(
    long.heard.answer!.length >= 2048 && long.heard.answer!.length <= 2049,
    `${long.heard.answer!.length}`,
  );
});

Deno.test("SELF CALL: where nothing answers, that is what is told", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const heard = await callOurselves(sampleTo(`http://127.0.0.1:${port}/hook`), "test_1");
  assert.deepEqual([heard.status, heard.answer], [null, null]);
});

Deno.test("SELF CALL: every way to fail has a sentence of its own", () => {
  const sentences = [null, 200, 302, 401, 429, 503].map(explained);
  assert.equal(new Set(sentences).size, sentences.length);
  assert.match(explained(null), /INTERLOCK_PUBLIC_URL/);
  assert.match(explained(401), /signing_url/);
});
