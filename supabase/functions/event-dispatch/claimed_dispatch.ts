import * as z from "zod";
import { envelopeSchema } from "../_shared/events/envelope.ts";

/** What claim_event_dispatches answers. */
export const claimedSchema = z.array(z.object({
  dispatch_id: z.number(),
  lease_token: z.string(),
  consumer: z.string(),
  attempt: z.number(),
  max_attempts: z.number(),
  receipt_id: z.string().nullable(),
  dedupe_key: z.string().nullable(),
  event: envelopeSchema,
}));

/** One event for one consumer, leased to this worker. */
export type ClaimedDispatch = z.infer<typeof claimedSchema>[number];
