/**
 * Two receivers to compare with, each as a person would write it: the body's HMAC is verified, a unique key refuses
 * repetitions, the row is stored, 202. Run as a process of its own: `baseline.ts direct|rest`.
 *
 * direct: Fastify and postgres.js with a pool of ten. rest: Hono and one PostgREST call per request, the usual edge
 * function.
 *
 * @module
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createClient } from "@supabase/supabase-js";
import fastify from "fastify";
import { Hono } from "hono";
import postgres from "postgres";

const [kind] = Deno.args;
const secret = Deno.env.get("BENCH_SECRET") ?? "";

function verified(body: string, signature: string): boolean {
  const expected = createHmac("sha256", secret).update(body).digest();
  const sent = new Uint8Array(expected.length);
  for (let index = 0; index < sent.length; index++) {
    sent[index] = Number.parseInt(signature.slice(7 + index * 2, 9 + index * 2), 16);
  }
  return timingSafeEqual(expected, sent);
}

if (kind === "direct") {
  const sql = postgres(Deno.env.get("BENCH_DB_URL")!, { max: 10 });
  const app = fastify();
  app.addContentTypeParser(
    "application/json",
    { parseAs: "string" },
    (_request, body, done) => done(null, body),
  );
  app.post("/", async (request, reply) => {
    const body = request.body as string;
    if (!verified(body, String(request.headers["x-signature"]))) return reply.code(401).send();
    await sql`insert into bench.receipts (tenant_id, event_id, body) values (1, ${
      String(request.headers["x-event-id"])
    }, ${body})
      on conflict do nothing`;
    return reply.code(202).send({ ok: true });
  });
  const address = await app.listen({ host: "127.0.0.1", port: 0 });
  // deno-lint-ignore no-console -- tells its parent the port
  console.log(`LISTENING ${new URL(address).port}`);
} else {
  const client = createClient(Deno.env.get("BENCH_API_URL")!, Deno.env.get("BENCH_SECRET_KEY")!, {
    auth: { persistSession: false },
  });
  const app = new Hono();
  app.post("/", async (context) => {
    const body = await context.req.text();
    if (!verified(body, context.req.header("x-signature") ?? "")) return context.body(null, 401);
    const { error } = await client.rpc("bench_insert", {
      p_event_id: context.req.header("x-event-id"),
      p_body: body,
    });
    return error ? context.body(null, 503) : context.json({ ok: true }, 202);
  });
  // deno-lint-ignore no-console -- tells its parent the port
  Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(`LISTENING ${port}`) },
    app.fetch,
  );
}
