import type { Sql } from "postgres";
import { type Finding, guarded, missing } from "./finding.ts";
import {
  type Calls,
  type Contents,
  type Job,
  judgeCalls,
  judgeContents,
  judgeJob,
  judgeVault,
} from "./running.ts";
import type { Target } from "./target.ts";

/** What moves: Vault entries, the schedule and its last run, calls to the functions, tenants, the queue. */
export async function checkRunning(sql: Sql, target: Target): Promise<Finding[]> {
  return [
    ...await guarded("Vault", async () => judgeVault(await readVault(sql), target)),
    ...await guarded("Schedule", async () => judgeJob(await readJob(sql), await databaseNow(sql))),
    ...await guarded("Calls of the database", async () => [judgeCalls(await readCalls(sql))]),
    ...await guarded("Tenants and queue", () => checkContents(sql, target)),
  ];
}

async function readVault(sql: Sql): Promise<Map<string, string>> {
  const rows = await sql<{ name: string; decrypted_secret: string }[]>`
    select name, decrypted_secret from vault.decrypted_secrets
    where name in ('interlock_functions_url', 'interlock_hub_key')`;
  return new Map(rows.map((row) => [row.name, row.decrypted_secret]));
}

async function databaseNow(sql: Sql): Promise<Date> {
  const [row] = await sql<{ now: Date }[]>`select now()`;
  return row!.now;
}

async function readJob(sql: Sql): Promise<Job | null> {
  const [job] = await sql<{ jobid: string; schedule: string; active: boolean }[]>`
    select jobid, schedule, active from cron.job where jobname = 'interlock-dispatch'`;
  if (!job) return null;
  const [run] = await sql<{ status: string; start_time: Date }[]>`
    select status, start_time from cron.job_run_details
    where jobid = ${job.jobid} and status in ('succeeded', 'failed') order by start_time desc limit 1`;
  return {
    schedule: job.schedule,
    active: job.active,
    lastStatus: run?.status ?? null,
    lastStartedAt: run?.start_time ?? null,
  };
}

async function readCalls(sql: Sql): Promise<Calls> {
  // The answer of event-dispatch is recognised by its form: pg_net keeps no address with it.
  const rows = await sql<{ status_code: number | null; accepted: boolean }[]>`
    select status_code, coalesce(status_code = 202 and content like '{"accepted":true,"state":%', false) as accepted
    from net._http_response where created > now() - interval '5 minutes' order by id desc limit 200`;
  const others = rows.filter((row) => !row.accepted);
  return {
    accepted: rows.length - others.length,
    others: others.length,
    lastOtherStatus: others[0]?.status_code ?? null,
  };
}

async function checkContents(sql: Sql, target: Target): Promise<Finding[]> {
  const [there] = await sql`select to_regclass('public.event_dispatches') is not null as yes`;
  if (!there!.yes) return [missing("The tables of the hub", "Run `supabase db push`.")];
  const [row] = await sql<Contents[]>`
    select
      (select count(*)::int from public.tenants) as tenants,
      (select count(*)::int from public.tenants t where not exists (
        select from public.tenant_members m where m.tenant_id = t.id and m.role = 'owner')) as "tenantsWithoutOwner",
      (select count(*)::int from auth.users u
        where u.email like '%@acme.example' or u.email like '%@globex.example') as "demoUsers",
      (select count(*)::int from public.event_dispatches where status = 'dead') as "deadDispatches",
      (select coalesce(extract(epoch from now() - min(next_attempt_at)), 0)::float8 from public.event_dispatches
        where status = 'pending' and next_attempt_at <= now()) as "oldestDueSeconds"`;
  return judgeContents(row!, target);
}
