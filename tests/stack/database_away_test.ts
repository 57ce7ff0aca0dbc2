import assert from "node:assert/strict";
import { usageOf } from "../../bench/measure/processes.ts";
import { createDirectStore } from "../../supabase/functions/_shared/db/direct_store.ts";
import { withFunctionProcess } from "../support/function_process.ts";
import { openSlowSender } from "../support/slow_sender.ts";
import { eventually, sql, stack, stackTest } from "../support/stack.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp_proxy.ts";
import { createTenant } from "../support/tenant.ts";
import { createWebhook, genericSignature, type TestWebhook } from "../support/webhook.ts";

const pause = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs));

interface Sent {
  key: string;
  status: number;
  retryAfter: string | null;
  code: string | null;
}

/** Sends a request whole; its answer may take its time. */
async function begin(webhook: TestWebhook, filler: string): Promise<{ answer: Promise<Sent> }> {
  const key = crypto.randomUUID();
  const body = JSON.stringify({ key, filler });
  const sender = await openSlowSender(webhook.url, [
    ["content-type", "application/json"],
    ["content-length", String(body.length)],
    ["x-signature", genericSignature(webhook.secret, body)],
    ["x-event-id", key],
  ]);
  await sender.send(body);
  return {
    answer: sender.answer.then(({ status, headers, text }) => {
      const code = JSON.parse(text || "{}").error_code ?? null;
      return { key, status, retryAfter: headers.get("retry-after"), code };
    }),
  };
}

const send = async (webhook: TestWebhook) => await (await begin(webhook, "")).answer;

async function storedKeys(webhook: TestWebhook): Promise<Set<string>> {
  const rows = await sql`select convert_from(b.body, 'UTF8')::json ->> 'key' as key
    from public.webhook_receipts r join public.webhook_receipt_bodies b on b.receipt_id = r.id
    where r.webhook_id = ${webhook.id}`;
  return new Set(rows.map(({ key }) => key as string));
}

/** A proxy before the server of an address, and the same address through it. */
function through(address: string): { proxy: TcpProxy; url: string } {
  const url = new URL(address);
  const proxy = startTcpProxy({ hostname: url.hostname, port: Number(url.port) });
  url.port = String(proxy.port);
  return { proxy, url: String(url).replace(/\/$/, "") };
}

/** How the receiver reaches the database, with a proxy in the way. */
const WAYS: Record<string, () => { proxy: TcpProxy; env: Record<string, string> }> = {
  "a direct connection": () => {
    const { proxy, url } = through(stack.dbUrl);
    return { proxy, env: { INTERLOCK_DB_URL: url } };
  },
  PostgREST: () => {
    const { proxy, url } = through(stack.apiUrl);
    return { proxy, env: { SUPABASE_URL: url, INTERLOCK_PUBLIC_URL: stack.apiUrl } };
  },
};

for (const [way, open] of Object.entries(WAYS)) {
  stackTest(
    `no way to the database over ${way}: 503 with Retry-After, memory within bounds, then healthy by itself`,
    async () => {
      const webhook = await createWebhook(await createTenant(), "generic_hmac");
      const { proxy, env } = open();
      try {
        await withFunctionProcess("webhook-receiver", env, async ({ pid, lastWords }, url) => {
          const here = { ...webhook, url: `${url}/${webhook.id}` };
          const sent: Sent[] = [await send(here)];
          assert.equal(sent[0]!.status, 200);
          const beforeMb = (await usageOf(pid)).rssMb;

          // Calls that hang hold what they carry: 250 MB of it arrive, most of which must be sent away at once.
          proxy.be("swallow");
          let answered = 0;
          const flood: Promise<void>[] = [];
          for (let nth = 0; nth < 250; nth++) {
            const { answer } = await begin(here, "x".repeat(1_000_000));
            flood.push(answer.then((one) => {
              sent.push(one);
              answered++;
            }));
          }
          await eventually(() => Promise.resolve(answered >= 180));
          const grownMb = (await usageOf(pid)).rssMb - beforeMb;
          assert.ok(grownMb < 450, `${grownMb} MB more`);

          proxy.be("refuse");
          await Promise.all(flood);
          for (let nth = 0; nth < 5; nth++) sent.push(await send(here));
          const refused = sent.filter(({ status }) => status !== 200);
          assert.equal(refused.length, 255);
          for (const { status, code, retryAfter } of refused) {
            assert.deepEqual([status, code], [503, "UNAVAILABLE"], lastWords());
            assert.ok(Number(retryAfter) >= 1);
          }

          proxy.be("pass");
          await eventually(async () => {
            sent.push(await send(here));
            return sent.at(-1)!.status === 200;
          });
          for (let nth = 0; nth < 10; nth++) sent.push(await send(here));
          assert.ok(sent.slice(-10).every(({ status }) => status === 200), "once healthy, it stays so");
          const acknowledged = sent.filter(({ status }) => status === 200).map(({ key }) => key);
          assert.deepEqual(await storedKeys(webhook), new Set(acknowledged));
        });
      } finally {
        proxy.stop();
      }
    },
  );
}

stackTest(
  "a database that is gone without a word is given up, and the next call finds the one that is back",
  async () => {
    const { proxy, url } = through(stack.dbUrl);
    const store = createDirectStore({ databaseUrl: url, maxConnections: 2, timeoutMs: 500 });
    const ask = () =>
      store.call<string | null>("get_webhook_verifier", { p_webhook_id: crypto.randomUUID() });
    try {
      assert.equal(await ask(), null);
      const opened = proxy.opened;
      proxy.be("swallow");
      const answers = await Promise.allSettled([ask(), ask(), ask(), ask()]);
      assert.deepEqual(
        answers.map((answer) => answer.status === "rejected" && answer.reason.code),
        Array(4).fill("UNAVAILABLE"),
      );
      proxy.be("pass");
      await pause(10);
      assert.equal(await ask(), null);
      assert.ok(proxy.opened > opened, "over a connection of its own");
    } finally {
      await store.close();
      proxy.stop();
    }
  },
);
