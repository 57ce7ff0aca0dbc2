import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import postgres from "postgres";
import { describeDemo } from "../../local/demo.ts";
import { startStack } from "../../local/stack.ts";
import { fillFromPrepared } from "../support/prepared_data.ts";

const DOWN_MS = 20_000;
const SENDERS = 8;

/** What one request was answered. */
interface Sent {
  key: string;
  status: number;
  retryAfter: string | null;
  answer: string;
}

Deno.test({
  name:
    "Postgres away for 20 s under load: 503 with Retry-After, nothing acknowledged is lost, healthy by itself",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const dataDir = await Deno.makeTempDir({ prefix: "interlock-down-" });
    await Deno.chmod(dataDir, 0o755);
    await fillFromPrepared("migrated", dataDir);
    const stack = await startStack({ dataDir, port: 0 });
    try {
      const demo = await describeDemo(stack);
      const webhook = demo.webhooks.find((candidate) => candidate.provider === "generic_hmac")!;
      const sent: Sent[] = [];
      let running = true;
      const sender = async () => {
        while (running) {
          const key = crypto.randomUUID();
          const body = JSON.stringify({ key });
          const signature = createHmac("sha256", webhook.secret).update(body).digest("hex");
          const headers = {
            "content-type": "application/json",
            "x-signature": `sha256=${signature}`,
            "x-event-id": key,
          };
          const response = await fetch(webhook.url, { method: "POST", headers, body });
          const answer = await response.text();
          sent.push({
            key,
            status: response.status,
            retryAfter: response.headers.get("retry-after"),
            answer,
          });
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      };
      const senders = Array.from({ length: SENDERS }, sender);
      const pause = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs));
      await pause(2000);
      await stack.postgres.stop("SIGQUIT");
      const downFrom = sent.length;
      await pause(DOWN_MS);
      const downTo = sent.length;
      await stack.postgres.start();
      await pause(6000);
      const healthyFrom = sent.length;
      await pause(1500);
      running = false;
      await Promise.all(senders);
      const unexpected = sent.filter((one) => one.status !== 200 && one.status !== 503).map((one) =>
        one.answer
      );
      const log = await Deno.readTextFile(stack.logFile);
      const causes = unexpected.map((answer) =>
        log.split("\n").filter((line) => line.includes(JSON.parse(answer).request_id))
      );
      assert.deepEqual(causes, []);
      const refused = sent.filter((one) => one.status === 503);
      assert.ok(downTo - downFrom > 0 && refused.length > 0);
      assert.ok(refused.every((one) => one.retryAfter !== null), "every 503 says when to come back");
      assert.ok(sent.slice(0, downFrom).some((one) => one.status === 200));
      assert.ok(sent.slice(healthyFrom).every((one) => one.status === 200), "healthy by itself");

      const sql = postgres(stack.dbUrl, { max: 1, onnotice: () => {} });
      const rows = await sql`select convert_from(b.body, 'UTF8')::json ->> 'key' as key
        from public.webhook_receipts r join public.webhook_receipt_bodies b on b.receipt_id = r.id where r.webhook_id = ${webhook.id}`;
      await sql.end();
      const stored = rows.map((row) => row.key as string);
      const acknowledged = sent.filter((one) => one.status === 200).map((one) => one.key);
      assert.equal(new Set(stored).size, stored.length, "nothing stored twice");
      assert.deepEqual(
        acknowledged.filter((key) => !stored.includes(key)),
        [],
        "nothing acknowledged is lost",
      );
    } finally {
      await stack.stop();
      await Deno.remove(dataDir, { recursive: true });
    }
  },
});
