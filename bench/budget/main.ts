// deno-lint-ignore-file no-console -- prints its results
/**
 * `deno task bench:budget`: processor time of one request of the egress client over TLS, to a host whose connection is
 * kept and to hosts that none of the requests before went to. It says how many deliveries fit into a worker's second.
 * Results go to bench/results; `--quick` measures little and keeps nothing.
 *
 * @module
 */
import process from "node:process";
import { createEgressClient } from "../../supabase/functions/_shared/guardrails/egress/egress_client.ts";
import { issueCertificate, makeAuthority } from "../../tests/support/certificate.ts";
import { readOptions } from "../measure/options.ts";
import { startListener } from "../measure/processes.ts";
import { keepResults, markdownTable } from "../measure/results.ts";
import { readSetting } from "../measure/setting.ts";
import { median, range, round } from "../measure/statistics.ts";

const { quick, repetitions } = readOptions(Deno.args, 5);
const REQUESTS = quick ? 100 : 1000;
const CONCURRENCY = 50;
const BODY = new TextEncoder().encode(JSON.stringify({ data: "x".repeat(300) }));

const authority = await makeAuthority();
const { cert, key } = await issueCertificate(authority, "*.example.com");
const sink = await startListener(["bench/budget/tls_sink.ts"], { CERTIFICATE: cert, KEY: key });

/** Processor time per request in milliseconds. */
async function cpuMsEach(hostOf: (request: number) => string): Promise<number> {
  const client = createEgressClient({
    ports: [sink.port],
    allowLocal: true,
    caCerts: [authority.caCert],
    resolver: () => Promise.resolve(["127.0.0.1"]),
  });
  let next = 0;
  const loop = async () => {
    while (next < REQUESTS) {
      const { status } = await client.sendRequest({
        url: `https://${hostOf(next++)}.example.com:${sink.port}/`,
        method: "POST",
        headers: { "content-type": "application/json" },
        body: BODY,
        timeoutMs: 10_000,
        maxResponseBytes: 1024,
      });
      if (status !== 200) throw new Error(`The sink answered ${status}`);
    }
  };
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: CONCURRENCY }, loop));
  const { user, system } = process.cpuUsage(before);
  client.close();
  return (user + system) / 1000 / REQUESTS;
}

const setting = await readSetting(["hono", "zod"]);
const kept: number[] = [];
const fresh: number[] = [];
let hosts = 0;
await cpuMsEach(() => "warm");
for (let repetition = 0; repetition < repetitions; repetition++) {
  kept.push(await cpuMsEach(() => "kept"));
  fresh.push(await cpuMsEach(() => `fresh-${hosts++}`));
}
await sink.stop();
const rows = [["kept connection", kept], ["fresh host", fresh]] as const;
const table = markdownTable(
  ["over TLS", "processor time each, ms (median)", "range", "requests in 1 s of it"],
  rows.map(([name, ms]) => [name, round(median(ms), 3), range(ms, 3), Math.floor(1000 / median(ms))]),
);
const report =
  `# Budget\n\nThe egress client alone, ${REQUESTS} requests, ${CONCURRENCY} at a time.\n\n${table}\n`;
console.log(report);
const findings = { setting, requests: REQUESTS, concurrency: CONCURRENCY, kept, fresh };
if (!quick) await keepResults("budget", findings, report);
Deno.exit(0);
