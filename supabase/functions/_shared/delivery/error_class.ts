/**
 * Why an attempt failed or a delivery was given up: a closed list, stored with every attempt. Programs branch on it and
 * docs/operations.md says of each what to do.
 */
export const ERROR_CLASSES = [
  // What the endpoint said.
  ...["client_error", "server_error", "rate_limited", "redirected", "gone"] as const,
  // It said nothing: the classes of EgressError.
  ...[
    "timed_out",
    "connect_failed",
    "connection_lost",
    "dns_failed",
    "tls_failed",
    "protocol_error",
  ] as const,
  ...["url_refused", "address_refused"] as const,
  // A provider said it, or there was nothing to reach it with.
  ...["reconnect_needed", "channel_misconfigured", "message_refused", "provider_error"] as const,
  ...["connector_unavailable", "misconfigured"] as const,
  // Nothing was sent, because of what it would have been.
  ...["payload_refused", "transform_failed"] as const,
  // Ours. The database writes the last one, for a worker that reported nothing.
  ...["internal", "worker_lost"] as const,
];

export type ErrorClass = typeof ERROR_CLASSES[number];
