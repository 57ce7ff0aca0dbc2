import { statisticsRoutes as routesOf } from "../_shared/subscriptions/statistics_routes.ts";
import { eventKind } from "./event_kind.ts";

export const statisticsRoutes = routesOf(eventKind, {
  under: "",
  idParam: "subscription_id",
  summaryOfOne: "Tells by hour or day what became of a subscription's deliveries, and how fast",
  summaryOfAll:
    "Tells by hour or day what became of all deliveries of the tenant, of both kinds, and how fast",
});
