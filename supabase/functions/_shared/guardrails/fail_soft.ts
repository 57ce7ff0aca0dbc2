import { createLogger, errorFields } from "../log.ts";

/** What became of one step. */
export interface StepResult<T = unknown> {
  success: boolean;
  data?: T;
  /** Sentence of the failure. */
  error?: string;
}

/** A step that may fail without undoing what came before. */
export interface SoftStep {
  name: string;
  fn: () => Promise<unknown>;
}

/**
 * Runs a step whose failure must not take anything else down: never throws, logs the failure with its tenant.
 */
export async function failSoftExecute<T>(
  name: string,
  fn: () => Promise<T>,
  tenantId: string,
): Promise<StepResult<T>> {
  try {
    return { success: true, data: await fn() };
  } catch (error) {
    createLogger("guardrails").error("step failed", {
      step: name,
      tenant_id: tenantId,
      ...errorFields(error),
    });
    return { success: false, error: error instanceof Error ? error.message : "The step failed" };
  }
}

/**
 * Runs the critical CRM write, and the other steps only after it succeeded. A failing step neither undoes the write
 * nor stops the next one; a failing write leaves every step undone. Never throws.
 *
 * @returns `results` names every step that ran, the write itself first as "crm".
 */
export async function executeCrmFirst(
  critical: () => Promise<unknown>,
  steps: SoftStep[],
  tenantId: string,
): Promise<{ crmSuccess: boolean; results: ({ name: string } & StepResult)[] }> {
  const write = await failSoftExecute("crm", critical, tenantId);
  const results = [{ name: "crm", ...write }];
  if (!write.success) return { crmSuccess: false, results };
  for (const step of steps) {
    results.push({ name: step.name, ...await failSoftExecute(step.name, step.fn, tenantId) });
  }
  return { crmSuccess: true, results };
}
