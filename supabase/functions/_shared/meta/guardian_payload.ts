import * as z from "zod";
import { PayloadRefused, type PayloadSource, type WebhookPayload } from "../delivery/contract.ts";
import { mapAdoptionScores } from "./adoption_scores.ts";
import { mapEditionFit } from "./edition_fit.ts";
import { mapExecutiveReport } from "./executive_report.ts";
import { mapLifecycleRun } from "./lifecycle_run.ts";
import { mapReadiness } from "./readiness.ts";
import { mapUpliftPlan } from "./uplift_plan.ts";
import { mapUpliftTask } from "./uplift_task.ts";
import { instantSchema } from "./vocabulary.ts";

/** Turns the payload of an event into what may leave. Pure; throws a ZodError for anything outside its schema. */
export type MetaMapper = (payload: Record<string, unknown>) => Record<string, unknown>;

/** Mapper by type of guardian meta event. */
export const metaMappers = new Map<string, MetaMapper>([
  ["readiness_updated", mapReadiness],
  ["uplift_plan_created", mapUpliftPlan],
  ["uplift_task_updated", mapUpliftTask],
  ["edition_fit_computed", mapEditionFit],
  ["executive_report_created", mapExecutiveReport],
  ["adoption_scores_computed", mapAdoptionScores],
  ["lifecycle_run_completed", mapLifecycleRun],
]);

/**
 * The payload of a guardian meta delivery: scores, statuses, counts and instants. No tenant, no person, no free text;
 * what does not fit the schema of its type is refused as a whole, so that a mistake is seen and nothing slips out.
 *
 * @throws {PayloadRefused} naming the fields, never their values.
 */
export function guardianPayload(delivery: PayloadSource): WebhookPayload {
  if (delivery.event_type === "test") return testPayload(delivery);
  const mapper = metaMappers.get(delivery.event_type);
  if (!mapper) throw new PayloadRefused(`There is no mapper for ${delivery.event_type}.`);
  if (!delivery.event) throw new PayloadRefused("The event has left by retention before it was sent.");
  try {
    return {
      type: delivery.event_type,
      timestamp: instantSchema.parse(delivery.event.metadata.timestamp),
      data: mapper(delivery.event.payload),
    };
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const fields = [...new Set(error.issues.map((issue) => String(issue.path[0] ?? "timestamp")))];
    throw new PayloadRefused(`The event holds something that may not leave: ${fields.join(", ")}.`);
  }
}

function testPayload(delivery: PayloadSource): WebhookPayload {
  return {
    type: "test",
    timestamp: new Date(delivery.queued_at).toISOString(),
    data: { message: "A test event of Interlock: the integration works." },
  };
}
