import { sql } from "../support/stack.ts";
import type { Sample } from "./sample_rows.ts";

/** One row in every guardian source but readiness, and how to address it. */
export async function createGuardianSamples(tenantId: string): Promise<Record<string, Sample>> {
  const [plan] =
    await sql`insert into public.guardian_uplift_plans (tenant_id, title) values (${tenantId}, 'Sample') returning id`;
  const rows: Record<string, Record<string, unknown>> = {
    guardian_uplift_plans: { title: "Sample" },
    guardian_uplift_tasks: { plan_id: plan!.id, title: "Sample" },
    guardian_edition_fits: {
      edition_key: "guardian_core",
      label: "Core",
      fit_score: 50,
      fit_status: "emerging",
    },
    guardian_executive_reports: {
      title: "Sample",
      report_type: "monthly",
      period_start_on: "2026-10-01",
      period_end_on: "2026-10-31",
    },
    guardian_adoption_scores: { overall_score: 50, overall_status: "light" },
    guardian_lifecycle_runs: { run_type: "retention" },
  };
  const changes: Record<string, Record<string, unknown>> = {
    guardian_uplift_plans: { status: "active" },
    guardian_uplift_tasks: { status: "done" },
    guardian_edition_fits: { fit_score: 51 },
    guardian_executive_reports: { risks_count: 1 },
    guardian_adoption_scores: { overall_score: 51 },
    guardian_lifecycle_runs: { status: "completed" },
  };
  const samples: Record<string, Sample> = {};
  for (const [table, facts] of Object.entries(rows)) {
    const row = { tenant_id: tenantId, ...facts };
    const [written] = await sql`insert into public.${sql(table)} ${sql(row)} returning id`;
    samples[table] = { filter: `id=eq.${written!.id}`, change: changes[table]!, row };
  }
  return samples;
}
