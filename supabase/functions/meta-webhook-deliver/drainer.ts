import { hubStore } from "../_shared/db/store.ts";
import { DeliveryWorker } from "../_shared/delivery/delivery_worker.ts";
import { eventPayload } from "../_shared/delivery/event_payload.ts";
import { Drainer } from "../_shared/drain/drainer.ts";
import { sendRequest } from "../_shared/guardrails.ts";
import { guardianPayload } from "../_shared/meta/guardian_payload.ts";

const builders = new Map([["guardian_meta", guardianPayload], ["event", eventPayload]]);
const worker = new DeliveryWorker(hubStore(), builders, sendRequest);

/** Sends due deliveries of every kind of subscription. */
export const deliveryDrainer = new Drainer({
  name: "meta-webhook-deliver",
  unit: "deliveries",
  maxItems: 2000,
  round: (awakeMs, log) => worker.round(awakeMs, log),
  extraCost: () => worker.extraCost(),
  busy: () => worker.busy(),
  ready: () => worker.ready(),
  nextMs: () => worker.nextMs(),
  settle: (log, interrupted) => worker.settle(log, interrupted),
});
