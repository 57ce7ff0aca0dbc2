/** What may be done with waiting deliveries: send them, hold them, or send them and queue no more. */
export const FLOWS = ["open", "paused", "draining"] as const;
