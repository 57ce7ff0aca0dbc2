import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import postgres from "postgres";
import { type Listener, usageOf } from "../../bench/measure/processes.ts";
import { describeDemo } from "../../local/demo.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import { fillFromPrepared } from "../support/prepared_data.ts";
import { eventually } from "../support/bare_stack.ts";
import { withFunctionProcess } from "../support/function_process.ts";

/** How long the database is away. A minute shows nothing else than seconds do: CHAOS_DOWN_MS=60000. */
const downMs = Number(Deno.env.get("CHAOS_DOWN_MS") ?? 5000);
const SENDERS = 8;
/** A worker that has been busy for a while holds some 80 MB more than a new one, outage or not (bench:receive-history). */
const MAX_GROWTH_MB = 150;
const pause = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs));

/** What one request was answered. */
interface Sent {
  key: string;
  status: number;
  retryAfter: string | null;
  requestId: string | null;
}

/** What goes away, and how the receiver speaks to the database. */
interface Outage {
  name: string;
  direct: boolean;
  /** Answers how to bring it back. */
  begin(stack: Stack): Promise<() => Promise<void>>;
}

const postgresAway = async ({ postgres: server }: Stack) => {
  await server.stop("SIGQUIT");
  return () => server.start();
};

const OUTAGES: Outage[] = [
  { name: "Postgres, spoken to over PostgREST,", direct: false, begin: postgresAway },
  { name: "Postgres, spoken to directly,", direct: true, begin: postgresAway },
  {
    name: "PostgREST",
    direct: false,
    async begin({ postgrest }) {
      await postgrest.stop("SIGKILL");
      return () => postgrest.start();
    },
  },
];

/** Sends until told to stop, one request after another. */
async function sendOn(
  webhook: { url: string; secret: string },
  sent: Sent[],
  running: () => boolean,
): Promise<void> {
  while (running()) {
    const key = crypto.randomUUID();
    const body = JSON.stringify({ key });
    const signature = createHmac("sha256", webhook.secret).update(body).digest("hex");
    const headers = {
      "content-type": "application/json",
      "x-signature": `sha256=${signature}`,
      "x-event-id": key,
    };
    const response = await fetch(webhook.url, { method: "POST", headers, body });
    await response.body?.cancel();
    sent.push({
      key,
      status: response.status,
      retryAfter: response.headers.get("retry-after"),
      requestId: response.headers.get("x-request-id"),
    });
    await pause(20);
  }
}

async function storedKeys(stack: Stack, webhookId: string): Promise<string[]> {
  const sql = postgres(stack.dbUrl, { max: 1, onnotice: () => {} });
  try {
    const rows = await sql`select convert_from(b.body, 'UTF8')::json ->> 'key' as key
      from public.webhook_receipts r join public.webhook_receipt_bodies b on b.receipt_id = r.id
      where r.webhook_id = ${webhookId}`;
    return rows.map((row) => row.key as string);
  } finally {
    await sql.end();
  }
}

async function withstand({ begin }: Outage, stack: Stack, receiver: Listener, url: string): Promise<void> {
  const demo = await describeDemo(stack);
  const { id, secret } = demo.webhooks.find(({ provider }) => provider === "generic_hmac")!;
  const sent: Sent[] = [];
  let running = true;
  const senders = Array.from(
    { length: SENDERS },
    () => sendOn({ url: `${url}/${id}`, secret }, sent, () => running),
  );
  const answersLater = async (what: string, status: number) => {
    const from = sent.length;
    await eventually(
      what,
      30_000,
      () => Promise.resolve(sent.slice(from).some((one) => one.status === status)),
    );
  };
  await answersLater("A first 200", 200);
  const beforeMb = (await usageOf(receiver.pid)).rssMb;
  const end = await begin(stack);
  await answersLater("A first 503", 503);
  await pause(downMs);
  const grownMb = (await usageOf(receiver.pid)).rssMb - beforeMb;
  await end();
  await answersLater("A 200 after it", 200);
  await pause(500); // Answers of the outage that are still on their way.
  const healthyFrom = sent.length;
  await pause(1500);
  running = false;
  await Promise.all(senders);

  assert.ok(grownMb < MAX_GROWTH_MB, `${grownMb} MB more`);
  assert.deepEqual(sent.filter(({ status }) => ![200, 503].includes(status)), [], receiver.lastWords());
  const refused = sent.filter(({ status }) => status === 503);
  assert.ok(refused.every(({ retryAfter }) => Number(retryAfter) >= 1), "every 503 says when to come back");
  assert.deepEqual(sent.slice(healthyFrom).filter(({ status }) => status !== 200), [], receiver.lastWords());
  const stored = await storedKeys(stack, id);
  assert.equal(new Set(stored).size, stored.length, "nothing stored twice");
  const acknowledged = sent.filter(({ status }) => status === 200).map(({ key }) => key);
  assert.deepEqual(acknowledged.filter((key) => !stored.includes(key)), [], "nothing acknowledged is lost");
}

for (const outage of OUTAGES) {
  Deno.test({
    name: `${outage.name} away for ${
      downMs / 1000
    } s under load: 503 with Retry-After, nothing acknowledged is lost, healthy by itself`,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const dataDir = await Deno.makeTempDir({ prefix: "interlock-down-" });
      await Deno.chmod(dataDir, 0o755);
      await fillFromPrepared("migrated", dataDir);
      const stack = await startStack({ dataDir, port: 0 });
      // Without a way of its own it goes over PostgREST.
      const extra: Record<string, string> = {
        INTERLOCK_WEBHOOK_RATE_LIMIT: "100000",
        INTERLOCK_TENANT_RATE_LIMIT: "100000",
        ...(outage.direct ? { INTERLOCK_DB_URL: stack.dbUrl } : {}),
      };
      try {
        await withFunctionProcess(
          "webhook-receiver",
          extra,
          (receiver, url) => withstand(outage, stack, receiver, url),
          stack,
        );
      } finally {
        await stack.stop();
        await Deno.remove(dataDir, { recursive: true });
      }
    },
  });
}
