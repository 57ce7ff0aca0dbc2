import * as z from "zod";

/** The envelope every consumer receives (requirement R7). Instants are ISO 8601 in UTC. */
export const envelopeSchema = z.object({
  id: z.string(),
  event_type: z.string(),
  entity_type: z.string(),
  entity_id: z.string(),
  tenant_id: z.string(),
  org_id: z.string().nullable(),
  payload: z.record(z.string(), z.unknown()),
  metadata: z.object({
    trace_id: z.string(),
    source: z.string(),
    actor: z.string().nullable(),
    timestamp: z.string(),
  }),
});

export type EventEnvelope = z.infer<typeof envelopeSchema>;
