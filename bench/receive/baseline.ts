// deno-lint-ignore-file no-console -- standard output tells the parent the port
/**
 * Receivers to compare with, each as a person would write it: the body's HMAC is verified, a unique key refuses
 * repetitions, the row is stored, 202. Run as a process of its own: `baseline.ts direct|rest|nothing`.
 *
 * direct: Fastify and postgres.js with a pool of BENCH_POOL. rest: Hono and one supabase-js call per request, the usual edge
 * function. nothing: reads the body and answers, which shows what the load generator could send at most.
 *
 * @module
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createClient } from "@supabase/supabase-js";
import fastify from "fastify";
import { Hono } from "hono";
import postgres from "postgres";

const secret = Deno.env.get("BENCH_SECRET") ?? "";

function verified(body: string, signature: string): boolean {
  const expected = createHmac("sha256", secret).update(body).digest();
  const sent = new Uint8Array(expected.length);
  for (let index = 0; index < sent.length; index++) {
    sent[index] = Number.parseInt(signature.slice(7 + index * 2, 9 + index * 2), 16);
  }
  return timingSafeEqual(expected, sent);
}

async function serveDirect(): Promise<void> {
  const sql = postgres(Deno.env.get("BENCH_DB_URL")!, { max: Number(Deno.env.get("BENCH_POOL")) });
  const app = fastify();
  app.addContentTypeParser(
    "application/json",
    { parseAs: "string" },
    (_request, body, done) => done(null, body),
  );
  app.post("/", async (request, reply) => {
    const body = request.body as string;
    const eventId = String(request.headers["x-event-id"]);
    if (!verified(body, String(request.headers["x-signature"]))) return reply.code(401).send();
    await sql`insert into bench.receipts (tenant_id, event_id, body) values (1, ${eventId}, ${body})
      on conflict do nothing`;
    return reply.code(202).send({ ok: true });
  });
  const address = await app.listen({ host: "127.0.0.1", port: 0 });
  console.log(`LISTENING ${new URL(address).port}`);
}

function serveRest(): void {
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
    return error ? context.json({ ok: false }, 503) : context.json({ ok: true }, 202);
  });
  serve(app.fetch);
}

function serve(handler: (request: Request) => Response | Promise<Response>): void {
  Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(`LISTENING ${port}`) },
    handler,
  );
}

switch (Deno.args[0]) {
  case "direct":
    await serveDirect();
    break;
  case "rest":
    serveRest();
    break;
  case "nothing":
    serve(async (request) => {
      await request.text();
      return Response.json({ ok: true });
    });
    break;
  default:
    throw new TypeError("Say which receiver: direct, rest or nothing");
}

// The parent holds the other end of standard input: when it is gone, however it went, so are we.
for await (const _ of Deno.stdin.readable) {
  // Nothing is ever written.
}
Deno.exit(0);
