import postgres from "postgres";
import { startSink } from "../simulators/sink/sink.ts";
import type { Arrival } from "../simulators/sink/sink.ts";
import type { Stack } from "./stack.ts";

/** The port that the seed's integrations name. */
const SEEDED_PORT = 54329;

/** The endpoint outside that the demo's integrations deliver to. */
export interface DemoSink {
  url: string;
  arrivals: Arrival[];
  stop(): Promise<void>;
}

/** Starts the sink, on the seed's port or another free one, and makes the demo's integrations point to it. */
export async function startDemoSink(stack: Stack): Promise<DemoSink> {
  const sql = postgres(stack.dbUrl, { max: 1, onnotice: () => {} });
  try {
    const integrations = await sql<{ endpoint: string; signing_secret: string }[]>`
      select t.slug as endpoint, s.decrypted_secret as signing_secret
      from public.guardian_meta_integrations i
      join public.tenants t on t.id = i.tenant_id
      join vault.decrypted_secrets s on s.id = i.secret_ref
      where i.integration_key = 'demo-sink'`;
    const secrets = new Map(integrations.map((row) => [row.endpoint, row.signing_secret]));
    const options = {
      secretOf: (endpoint: string) => secrets.get(endpoint),
      onArrival: (arrival: Arrival) =>
        stack.log[arrival.verified ? "info" : "warn"](
          "sink",
          arrival.verified ? "verified" : arrival.problem!,
          {
            endpoint: arrival.endpoint,
            webhook_id: arrival.webhookId,
            body: arrival.body,
          },
        ),
    };
    const sink = startOnSeededPort(options);
    await sql`update public.guardian_meta_integrations i
      set config = i.config || jsonb_build_object('webhook_url', ${`${sink.url}/`} || t.slug), config_version = i.config_version + 1
      from public.tenants t
      where t.id = i.tenant_id and i.integration_key = 'demo-sink' and i.config ->> 'webhook_url' <> ${`${sink.url}/`} || t.slug`;
    return sink;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

function startOnSeededPort(options: Parameters<typeof startSink>[0]): DemoSink {
  try {
    return startSink({ ...options, port: SEEDED_PORT });
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    return startSink(options);
  }
}
