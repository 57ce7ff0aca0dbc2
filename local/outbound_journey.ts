import postgres from "postgres";
import type { Demo } from "./demo.ts";
import type { DemoSink } from "./demo_sink.ts";
import { StackError } from "./stack_error.ts";
import type { Stack } from "./stack.ts";

const TIMEOUT_MS = 35_000;

/** What one readiness score went through. */
export interface OutboundJourney {
  webhookId: string;
  /** From the commit of the row to the verified arrival, in milliseconds. */
  arrivedMs: number;
  body: string;
}

/**
 * Writes one readiness snapshot and waits until the sink has verified what becomes of it.
 *
 * @throws {StackError} when nothing verified arrives.
 */
export async function deliverReadiness(stack: Stack, demo: Demo, sink: DemoSink): Promise<OutboundJourney> {
  const integration = demo.integrations[0];
  if (!integration) throw new StackError("The demo has no integration; run with --fresh to seed again.");
  const endpoint = new URL(integration.webhook_url).pathname.slice(1);
  const sql = postgres(stack.dbUrl, { max: 1, onnotice: () => {} });
  try {
    const before = new Set(sink.arrivals.map((arrival) => arrival.webhookId));
    await sql`insert into public.guardian_readiness_snapshots (tenant_id, overall_score, band, dimension_scores)
      values (${integration.tenant_id}, 72, 'operational', ${
      sql.json({ core: 80, governance: 65, ai_intelligence: 70 })
    })`;
    const committedMs = performance.now();
    while (performance.now() - committedMs < TIMEOUT_MS) {
      const arrival = sink.arrivals.find((candidate) =>
        candidate.verified && candidate.endpoint === endpoint && !before.has(candidate.webhookId)
      );
      if (arrival) {
        return {
          webhookId: arrival.webhookId,
          arrivedMs: Math.round(performance.now() - committedMs),
          body: arrival.body,
        };
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    throw new StackError(
      `The readiness score was stored but did not reach the sink; the log is in ${stack.logFile}.`,
    );
  } finally {
    await sql.end({ timeout: 1 });
  }
}
