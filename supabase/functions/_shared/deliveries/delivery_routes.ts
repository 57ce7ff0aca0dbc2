import type { AnyRoute } from "../http/route.ts";
import { deadLetterRoutes } from "./dead_letter_routes.ts";
import type { DeliveryKind } from "./delivery_kind.ts";
import { logRoutes } from "./log_routes.ts";
import { replayRoutes } from "./replay_routes.ts";

/**
 * The delivery log and its repair for one kind of subscription: what a function of that kind mounts beside its own
 * routes. Everything is read with the user's rights; the service only says which rows and where they stand.
 */
export function deliveryRoutes(kind: DeliveryKind): AnyRoute[] {
  return [...logRoutes(kind), ...deadLetterRoutes(kind), ...replayRoutes(kind)];
}
