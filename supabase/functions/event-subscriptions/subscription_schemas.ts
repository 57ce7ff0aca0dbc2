import * as z from "zod";
import { eventTypePatternsSchema } from "../_shared/delivery/filter/event_type_patterns.ts";
import { compileFilter, type Filter, filterSchema } from "../_shared/delivery/filter/compile_filter.ts";
import { textSchema } from "../_shared/http/text_schema.ts";
import { configAnswer, configSchemas, updatesSchema } from "../_shared/subscriptions/settings.ts";
import { stateAnswer } from "../_shared/subscriptions/state.ts";
import { subscriptionStatisticsAnswer } from "../_shared/subscriptions/statistics.ts";
import { signingSecretAnswer, subscriptionAnswer } from "../_shared/subscriptions/subscription_answer.ts";

const config = configSchemas({});

export const createSchema = z.strictObject({
  label: textSchema(200),
  description: textSchema(2000).optional(),
  is_enabled: z.boolean().default(true),
  event_types: eventTypePatternsSchema,
  filter: filterSchema.optional(),
  config: config.whole,
});

export const updateSchema = updatesSchema(z.strictObject({
  id: z.uuid(),
  label: textSchema(200).optional(),
  description: textSchema(2000).nullable().optional(),
  is_enabled: z.boolean().optional(),
  event_types: eventTypePatternsSchema.optional(),
  filter: filterSchema.nullable().optional(),
  config: config.change.optional(),
}));

/** A filter and the same as the database checks it; both null = no condition. */
export function compiled(filter: Filter | null | undefined) {
  return filter ? { filter, filter_path: compileFilter(filter) } : { filter: null, filter_path: null };
}

/** A subscription as every route shows it. */
export const eventSubscriptionAnswer = () =>
  subscriptionAnswer(configAnswer({})).extend({
    org_id: z.uuid().nullable().describe("Whose events; null = those of all orgs."),
    event_types: z.array(z.string()),
    filter: z.record(z.string(), z.unknown()).nullable(),
  });

/** A subscription in the list. */
export const listedSubscriptionAnswer = () =>
  eventSubscriptionAnswer().extend({ statistics: subscriptionStatisticsAnswer(), state: stateAnswer() });

/** A new subscription with its secret. */
export const createdSubscriptionAnswer = () =>
  eventSubscriptionAnswer().extend({ signing_secret: signingSecretAnswer() });
