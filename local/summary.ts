import type { Demo } from "./demo.ts";
import { limitsLine } from "./function_usage.ts";
import type { Journey } from "./journey.ts";
import type { OutboundJourney } from "./outbound_journey.ts";
import type { Stack } from "./stack.ts";

/** What a person reads after the start: where everything is, who can sign in, what just happened, what to try. */
export function summary(
  stack: Stack,
  demo: Demo,
  sinkUrl: string,
  inbound: { cold: Journey; warm: Journey },
  outbound: { cold: OutboundJourney; warm: OutboundJourney },
): string {
  const { cold, warm } = inbound;
  const users = demo.tenants.map((tenant) =>
    [
      `  ${tenant.name}  ${tenant.id}`,
      ...tenant.orgs.map((org) => `    org   ${org.name.padEnd(14)} ${org.id}`),
      ...tenant.users.map((user) => `    ${user.role.padEnd(8)} ${user.email.padEnd(24)} ${user.password}`),
    ].join("\n")
  );
  return `
Interlock is ready after ${(stack.timings.ready! / 1000).toFixed(1)} s.

  API        ${stack.apiUrl}
  Functions  ${stack.apiUrl}/functions/v1
  Database   ${stack.dbUrl}
  Key        ${stack.publishableKey}  (publishable)
  Sink       ${sinkUrl}  (what the hub delivers, verified)
  Log        ${stack.logFile}
  Limits     ${limitsLine(stack.functions.limits)}
  Usage      curl -sS ${stack.apiUrl}/_internal/functions

Demo tenants (roles and passwords):
${users.join("\n")}

The first signed webhook went through the hub:
  HubSpot -> webhook-receiver   answered after ${cold.answeredMs} ms (cold start)   receipt ${cold.receiptId}
  event-dispatch -> CRM         contact after  ${cold.contactMs} ms                ${cold.email}
  and once more, warm           answered after ${warm.answeredMs} ms, contact after ${warm.contactMs} ms   request ${warm.requestId}

The first readiness score left the hub:
  readiness row -> event -> delivery -> sink   verified after ${outbound.cold.arrivedMs} ms (cold start)   ${outbound.cold.webhookId}
  and once more, warm                          verified after ${outbound.warm.arrivedMs} ms, ${outbound.warm.body}

Try one yourself:
${curlLine(demo)}
  # and let the hub call the sink: a test event, through the real path
${testLine(stack, demo)}

Functions restart when you save. Ctrl-C stops everything.
`;
}

/** A signed request that can be pasted into a shell as it is. */
function curlLine(demo: Demo): string {
  const webhook = demo.webhooks.find((candidate) => candidate.provider === "generic_hmac");
  if (!webhook) return "  (no generic webhook in the demo)";
  return `  BODY='{"type":"order.paid","id":1}'; \\
  curl -sS ${webhook.url} -H 'content-type: application/json' -d "$BODY" \\
    -H "x-signature: sha256=$(printf %s "$BODY" | openssl dgst -sha256 -hmac '${webhook.secret}' -r | cut -d' ' -f1)"`;
}

/** Signs in as an admin and asks for a test delivery. */
function testLine(stack: Stack, demo: Demo): string {
  const integration = demo.integrations[0];
  const tenant = demo.tenants.find((candidate) => candidate.id === integration?.tenant_id);
  const admin = tenant?.users.find((user) => user.role === "admin");
  if (!integration || !admin) return "  (no integration in the demo)";
  return `  TOKEN=$(curl -sS '${stack.apiUrl}/auth/v1/token?grant_type=password' -H 'apikey: ${stack.publishableKey}' \\
    -H 'content-type: application/json' -d '{"email":"${admin.email}","password":"${admin.password}"}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/'); \\
  curl -sS ${stack.apiUrl}/functions/v1/guardian-meta/integrations/test -H "authorization: Bearer $TOKEN" \\
    -H 'content-type: application/json' -d '{"integration_id":"${integration.id}"}'`;
}
