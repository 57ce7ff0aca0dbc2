import * as z from "zod";

/** Where a delivery stands: why it is not going out, or that it is. */
export const DELIVERY_STATES = [
  ...["finished", "in_flight", "in_line", "retry_later"] as const,
  ...[
    "held_disabled",
    "held_paused",
    "held_by_tenant",
    "held_by_all",
    "held_by_breaker",
    "held_by_lane",
  ] as const,
  "astray",
] as const;

export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** What the database says of one delivery. */
export const standingSchema = z.object({
  state: z.enum(DELIVERY_STATES),
  next_attempt_at: z.string().nullable(),
  in_flight_since: z.string().nullable(),
  in_flight_until: z.string().nullable(),
});

export type Standing = z.infer<typeof standingSchema>;

/** For the one who was woken: what is the matter and what to do, in a sentence. */
const EXPLANATIONS: Record<DeliveryState, string | null> = {
  finished: null,
  in_flight: "A worker holds it; if it does not report by in_flight_until, another one takes over.",
  in_line: "It waits its turn; nothing holds it.",
  retry_later: "An attempt failed; the next one is due at next_attempt_at.",
  held_disabled: "Its subscription is disabled; enable it and it goes out.",
  held_paused: "Its subscription is paused; resume it and it goes out.",
  held_by_tenant: "All deliveries of the workspace are paused.",
  held_by_all: "All deliveries of this hub are paused.",
  held_by_breaker:
    "The endpoint failed again and again; from next_attempt_at on, one delivery at a time probes it.",
  held_by_lane:
    "The endpoint asked for patience, or an earlier delivery of an ordered line is tried again first.",
  astray: "It is open, but neither queued nor with a worker: a fault of the hub. Report it.",
};

export const explain = (state: DeliveryState): string | null => EXPLANATIONS[state];

/** Once the log says that it is over, it is, whatever the queue said a moment before. */
export function standingOf(standing: Standing | undefined, isFinished: boolean): Standing {
  if (standing !== undefined && !isFinished) return standing;
  const state = isFinished ? "finished" : "astray";
  return { state, next_attempt_at: null, in_flight_since: null, in_flight_until: null };
}
