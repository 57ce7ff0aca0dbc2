/**
 * The front door of the guardrails: what every function imports. Each guard lives in a file of its own below
 * `guardrails/`; requirement rows C1 to C7 name them. Guards that query load what speaks to the database when they are
 * called: it is half of a boot, and webhook-receiver never needs it.
 *
 * @module
 */
export { validateTenantAccess } from "./guardrails/tenant_access.ts";
export { validateCampaignOwnership } from "./guardrails/campaign_ownership.ts";
export { checkEventProcessed } from "./guardrails/event_processed.ts";
export { executeCrmFirst, failSoftExecute } from "./guardrails/fail_soft.ts";
export {
  logAIChange,
  queueForApproval,
  requiresManualApproval,
  rollbackChange,
} from "./guardrails/human_override.ts";
export { runAgentJob } from "./guardrails/agent_run.ts";
export { checkUrl, EgressError, headerProblem, sendRequest } from "./guardrails/egress/egress.ts";
export { InterlockError } from "./errors/interlock_error.ts";
