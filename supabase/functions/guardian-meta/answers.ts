import * as z from "zod";
import { SCOPES } from "../_shared/meta/vocabulary.ts";
import { configAnswer } from "../_shared/subscriptions/settings.ts";
import { stateAnswer } from "../_shared/subscriptions/state.ts";
import { subscriptionStatisticsAnswer } from "../_shared/subscriptions/statistics.ts";
import { signingSecretAnswer, subscriptionAnswer } from "../_shared/subscriptions/subscription_answer.ts";
import { guardianSettings } from "./integration_schemas.ts";

/** An integration as every route shows it. */
export const integrationAnswer = () =>
  subscriptionAnswer(configAnswer(guardianSettings)).extend({
    integration_key: z.string(),
    scopes: z.array(z.enum(SCOPES)),
  });

/** An integration in the list. */
export const listedIntegrationAnswer = () =>
  integrationAnswer().extend({ statistics: subscriptionStatisticsAnswer(), state: stateAnswer() });

/** An integration with the secret it just got. */
export const integrationSecretAnswer = () =>
  integrationAnswer().extend({ signing_secret: signingSecretAnswer() });
