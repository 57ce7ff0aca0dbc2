import * as z from "zod";
import { defineConnector } from "../connector_definition.ts";

/** Groups inbound webhooks under one name: it has nothing to call, and its webhooks have their own secrets. */
export const webhookConnector = defineConnector({
  type: "webhook",
  config: () => z.strictObject({ description: z.string().max(1000).optional() }),
  secrets: () => z.strictObject({}),
  example: { config: { description: "Orders of the shop" }, secrets: {} },
  functionName: null,
});
