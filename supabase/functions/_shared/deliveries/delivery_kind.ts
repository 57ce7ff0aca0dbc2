/** What the routes of a delivery log need to know of the kind of subscription whose log it is. */
export interface DeliveryKind {
  kind: "guardian_meta" | "event";
  deliveries: "guardian_meta_webhook_events" | "event_deliveries";
  attempts: "guardian_meta_webhook_attempts" | "event_delivery_attempts";
  /** Where the function has one subscription; its last segment is the parameter. */
  subscriptionPath: string;
  /** Names of the path parameters; examples stand for what they name, and a delivery is one that was given up. */
  names: { subscription: string; delivery: string; replay: string };
}

/** Mounted by guardian-meta: `...deliveryRoutes(GUARDIAN_DELIVERIES)`. */
export const GUARDIAN_DELIVERIES: DeliveryKind = {
  kind: "guardian_meta",
  deliveries: "guardian_meta_webhook_events",
  attempts: "guardian_meta_webhook_attempts",
  subscriptionPath: "/integrations/:integration_id",
  names: {
    subscription: "integration_id",
    delivery: "delivery_id",
    replay: "replay_id",
  },
};

/** Mounted by event-subscriptions: `...deliveryRoutes(EVENT_DELIVERIES)`. */
export const EVENT_DELIVERIES: DeliveryKind = {
  kind: "event",
  deliveries: "event_deliveries",
  attempts: "event_delivery_attempts",
  subscriptionPath: "/:subscription_id",
  names: {
    subscription: "subscription_id",
    delivery: "event_delivery_id",
    replay: "event_replay_id",
  },
};
