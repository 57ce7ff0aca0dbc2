import { createFunction } from "../_shared/http/create_function.ts";
import { connectorControlRoutes } from "./connector_control.ts";
import { connectorRoutes } from "./connectors.ts";
import { deadLetterRoutes } from "./dead_letters.ts";
import { dispatchRoutes } from "./dispatches.ts";
import { inboundReplayRoutes } from "./inbound_replays.ts";
import { notificationRoutes } from "./notifications.ts";
import { receiptRoutes } from "./receipts.ts";
import { syncRunRoutes } from "./sync_runs.ts";
import { webhookControlRoutes } from "./webhook_control.ts";
import { webhookTestRoutes } from "./webhook_sample.ts";
import { webhookStatisticsRoutes } from "./webhook_statistics.ts";
import { webhookRoutes } from "./webhooks.ts";

/** What admins manage: connectors and their syncs, inbound webhooks, their receipts, the events that wait for a person, and what they should know. */
export default createFunction({
  name: "integrations",
  routes: [
    ...connectorRoutes,
    ...connectorControlRoutes,
    ...syncRunRoutes,
    ...webhookRoutes,
    ...webhookControlRoutes,
    ...webhookTestRoutes,
    ...webhookStatisticsRoutes,
    ...receiptRoutes,
    ...dispatchRoutes,
    ...deadLetterRoutes,
    ...inboundReplayRoutes,
    ...notificationRoutes,
  ],
});
