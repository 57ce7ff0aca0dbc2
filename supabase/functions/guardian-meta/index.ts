import { GUARDIAN_DELIVERIES } from "../_shared/deliveries/delivery_kind.ts";
import { deliveryRoutes } from "../_shared/deliveries/delivery_routes.ts";
import { createFunction } from "../_shared/http/create_function.ts";
import { flowRoutes } from "./flow.ts";
import { integrationRoutes } from "./integrations.ts";
import { previewRoutes } from "./preview.ts";
import { statisticsRoutes } from "./statistics.ts";
import { rotateRoutes } from "./rotate_secret.ts";
import { testRoutes } from "./test_delivery.ts";

/** Guardian meta for people: subscriptions to meta events and a test that goes the real way. */
export default createFunction({
  name: "guardian-meta",
  routes: [
    ...integrationRoutes,
    ...statisticsRoutes,
    ...rotateRoutes,
    ...testRoutes,
    ...previewRoutes,
    ...flowRoutes,
    ...deliveryRoutes(GUARDIAN_DELIVERIES),
  ],
});
