import { EVENT_DELIVERIES } from "../_shared/deliveries/delivery_kind.ts";
import { deliveryRoutes } from "../_shared/deliveries/delivery_routes.ts";
import { createFunction } from "../_shared/http/create_function.ts";
import { flowRoutes } from "./flow.ts";
import { dryRunRoutes } from "./dry_run.ts";
import { previewRoutes } from "./preview.ts";
import { rotateRoutes } from "./rotate_secret.ts";
import { statisticsRoutes } from "./statistics.ts";
import { subscriptionRoutes } from "./subscriptions.ts";
import { testRoutes } from "./test_delivery.ts";

/** Any event to any endpoint: subscriptions of a tenant or an org, their tests and what they would match. */
export default createFunction({
  name: "event-subscriptions",
  routes: [
    ...subscriptionRoutes,
    ...statisticsRoutes,
    ...rotateRoutes,
    ...testRoutes,
    ...previewRoutes,
    ...dryRunRoutes,
    ...flowRoutes,
    ...deliveryRoutes(EVENT_DELIVERIES),
  ],
});
