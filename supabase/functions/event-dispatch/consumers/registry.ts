import type { Consumer } from "./consumer.ts";
import { consumeForCrm } from "./crm.ts";

/** Consumers by the name that private.event_consumers registers them under. */
export const consumers: ReadonlyMap<string, Consumer> = new Map([["crm", consumeForCrm]]);
