import { createFunction } from "../_shared/http/create_function.ts";
import { dispatchRoutes } from "./dispatches.ts";
import { receiptRoutes } from "./receipts.ts";
import { webhookRoutes } from "./webhooks.ts";

/** What admins manage: inbound webhooks, their receipts, and the events that wait for a person. */
export default createFunction({
  name: "integrations",
  routes: [...webhookRoutes, ...receiptRoutes, ...dispatchRoutes],
});
