import { statisticsRoutes as routesOf } from "../_shared/subscriptions/statistics_routes.ts";
import { guardianKind } from "./guardian_kind.ts";

export const statisticsRoutes = routesOf(guardianKind, {
  under: "/integrations",
  idParam: "integration_id",
  summaryOfOne: "Tells by hour or day what became of an integration's deliveries, and how fast",
  summaryOfAll: "Tells by hour or day what became of all deliveries of the tenant, and how fast",
});
