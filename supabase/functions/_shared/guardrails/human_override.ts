import * as z from "zod";
import type { HubClient } from "../db/clients.ts";
import { unwrap } from "../db/unwrap.ts";
import { isInterlockError } from "../errors/interlock_error.ts";

/** The columns of an asset that a change touches, and their values. */
export type AssetValue = Record<string, string | number | boolean | null>;

/** What an agent changed, or wants to change. Previous and new value name the same columns. */
export interface AIChange {
  tenantId: string;
  campaignId: string;
  assetType: "campaign" | "campaign_email";
  assetId: string;
  previousValue: AssetValue;
  newValue: AssetValue;
  /** Name of the agent. */
  agent: string;
  reason?: string;
}

function changesOf(change: AIChange) {
  return {
    asset_type: change.assetType,
    asset_id: change.assetId,
    previous_value: change.previousValue,
    new_value: change.newValue,
    agent: change.agent,
  };
}

/**
 * Records a change an agent has made, so that a person can see it and take it back.
 *
 * @returns the id of the row of campaign_optimizations.
 * @throws {InterlockError} NOT_FOUND for a campaign or asset of another tenant, VALIDATION_FAILED for another shape.
 */
export async function logAIChange(
  supabase: HubClient,
  change: AIChange & { autoApplied: boolean },
): Promise<{ changeId: string }> {
  const { tenantDb } = await import("../db/tenant_db.ts");
  const changeId = unwrap(
    await tenantDb(change.tenantId, supabase).rpc("log_ai_change", {
      p_campaign_id: change.campaignId,
      p_changes: { ...changesOf(change), auto_applied: change.autoApplied },
      p_reason: (change.reason ?? null) as string,
    }),
  );
  return { changeId };
}

/**
 * Lets a change wait for a person instead of making it.
 *
 * @returns the id of the row of cmo_recommendations.
 * @throws {InterlockError} as {@link logAIChange}.
 */
export async function queueForApproval(
  supabase: HubClient,
  change: AIChange,
): Promise<{ recommendationId: string }> {
  const { tenantDb } = await import("../db/tenant_db.ts");
  const recommendationId = unwrap(
    await tenantDb(change.tenantId, supabase).rpc("queue_for_approval", {
      p_campaign_id: change.campaignId,
      p_changes: changesOf(change),
      p_reason: (change.reason ?? null) as string,
    }),
  );
  return { recommendationId };
}

/** Whether a tenant wants a person to decide on every AI change. A tenant without settings is treated as wanting it. */
export async function requiresManualApproval(supabase: HubClient, tenantId: string): Promise<boolean> {
  const { tenantDb } = await import("../db/tenant_db.ts");
  const settings = unwrap(
    await tenantDb(tenantId, supabase).from("tenant_settings").select("require_manual_approval")
      .maybeSingle(),
  );
  return settings?.require_manual_approval ?? true;
}

const rollbackSchema = z.object({
  success: z.boolean(),
  error: z.string().optional(),
  error_code: z.string().optional(),
});

/**
 * Restores the value before a change: once, all or nothing, and not when the asset was changed since. Never throws.
 *
 * @param actor the person who asked for it; they need the permission override.decide.
 */
export async function rollbackChange(
  supabase: HubClient,
  changeId: string,
  tenantId: string,
  actor: string | null = null,
): Promise<{ success: boolean; error?: string; error_code?: string }> {
  try {
    const { tenantDb } = await import("../db/tenant_db.ts");
    const result = await tenantDb(tenantId, supabase).rpc("rollback_change", {
      p_change_id: changeId,
      p_actor: actor as string,
    });
    return rollbackSchema.parse(unwrap(result));
  } catch (error) {
    if (isInterlockError(error)) return { success: false, error: error.message, error_code: error.code };
    return { success: false, error: "The change could not be rolled back.", error_code: "INTERNAL" };
  }
}
