import type { DocumentedBody } from "./documented_bodies.ts";
import { sql } from "./stack.ts";

/** What a person wrote into a row: it never leaves. */
export const HOME_WORDS = "Ada Lovelace, ada@example.com, +44 7911 123456, 192.0.2.7";

/** Where the events of a type come from. */
export interface GuardianSource {
  table: string;
  scope: string;
  /** Columns that the body does not have and a row needs. */
  atHome: Record<string, unknown>;
  /** An update that is news to receivers: column and its new value. */
  news: Record<string, unknown>;
}

/** The sources by type of event. */
export const GUARDIAN_SOURCES: Record<string, GuardianSource> = {
  readiness_updated: {
    table: "guardian_readiness_snapshots",
    scope: "readiness",
    atHome: {},
    news: { band: "advanced" },
  },
  uplift_plan_created: {
    table: "guardian_uplift_plans",
    scope: "uplift",
    atHome: { title: HOME_WORDS },
    news: { status: "completed" },
  },
  uplift_task_updated: {
    table: "guardian_uplift_tasks",
    scope: "uplift",
    atHome: { title: HOME_WORDS },
    news: { priority: "low" },
  },
  edition_fit_computed: {
    table: "guardian_edition_fits",
    scope: "editions",
    atHome: { label: HOME_WORDS },
    news: { fit_score: 65 },
  },
  executive_report_created: {
    table: "guardian_executive_reports",
    scope: "executive_reports",
    atHome: { title: HOME_WORDS },
    news: { risks_count: 3 },
  },
  adoption_scores_computed: {
    table: "guardian_adoption_scores",
    scope: "adoption",
    atHome: {},
    news: { overall_status: "power" },
  },
  lifecycle_run_completed: {
    table: "guardian_lifecycle_runs",
    scope: "lifecycle",
    atHome: { status: "completed" },
    news: { items_deleted: 46 },
  },
};

/** Writes the row whose event has the body, changed or not; a task gets a plan of its own first. */
export async function writeSource(
  tenantId: string,
  body: DocumentedBody,
  change: Record<string, unknown> = {},
): Promise<string> {
  const source = GUARDIAN_SOURCES[body.type]!;
  const row: Record<string, unknown> = {
    tenant_id: tenantId,
    metadata: { owner: HOME_WORDS, tenant: tenantId },
    ...body.data,
    ...source.atHome,
    ...change,
  };
  if (source.table === "guardian_uplift_tasks") row.plan_id = await writePlan(tenantId);
  const [written] = await sql`insert into public.${sql(source.table)} ${sql(row)} returning id`;
  return written!.id;
}

/** Writes an uplift plan with nothing but a title. */
export async function writePlan(tenantId: string): Promise<string> {
  const [plan] = await sql`insert into public.guardian_uplift_plans (tenant_id, title)
    values (${tenantId}, ${HOME_WORDS}) returning id`;
  return plan!.id;
}
