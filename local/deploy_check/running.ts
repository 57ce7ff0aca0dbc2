import type { Target } from "./target.ts";
import { isLoopback } from "./target.ts";
import { type Finding, missing, note, ok, skipped } from "./finding.ts";

const FUNCTIONS_URL = "interlock_functions_url";
const HUB_KEY = "interlock_hub_key";
/** The job runs every 30 s, or every minute on an old pg_cron: five minutes of silence mean it is not running. */
const SILENCE_MS = 5 * 60_000;

/** The two Vault entries by which the database reaches the functions. Values are compared, never shown. */
export function judgeVault(
  entries: Map<string, string>,
  target: Pick<Target, "apiUrl" | "hubKey">,
): Finding[] {
  const create = (name: string, value: string) => `select vault.create_secret('${value}', '${name}');`;
  const change = (name: string) =>
    `select vault.update_secret((select id from vault.secrets where name = '${name}'), '<the right value>');`;
  const findings: Finding[] = [];
  const url = entries.get(FUNCTIONS_URL);
  const key = entries.get(HUB_KEY);
  if (url === undefined) {
    findings.push(
      missing(
        `Vault entry ${FUNCTIONS_URL}`,
        create(FUNCTIONS_URL, `${target.apiUrl ?? "<api url>"}/functions/v1`),
      ),
    );
  } else if (!/^https?:\/\/[^/]+\/functions\/v1$/.test(url)) {
    findings.push(
      missing(
        `Vault entry ${FUNCTIONS_URL} does not read https://<ref>.supabase.co/functions/v1`,
        change(FUNCTIONS_URL),
      ),
    );
  } else if (target.apiUrl === null) {
    findings.push(ok(`Vault entry ${FUNCTIONS_URL}`));
    findings.push(skipped(`Whether ${FUNCTIONS_URL} is this project`, "Give --api-url."));
  } else if (url !== `${target.apiUrl}/functions/v1`) {
    findings.push(
      missing(`Vault entry ${FUNCTIONS_URL} points at another project than --api-url`, change(FUNCTIONS_URL)),
    );
  } else findings.push(ok(`Vault entry ${FUNCTIONS_URL} points at --api-url`));

  if (key === undefined) {
    findings.push(missing(`Vault entry ${HUB_KEY}`, create(HUB_KEY, "<the secret key named hub>")));
  } else if (!key.startsWith("sb_secret_")) {
    findings.push(
      missing(`Vault entry ${HUB_KEY} is no new-style secret key (sb_secret_...)`, change(HUB_KEY)),
    );
  } else if (target.hubKey === null) {
    findings.push(ok(`Vault entry ${HUB_KEY}`));
    findings.push(skipped(`Whether ${HUB_KEY} is the key named hub`, "Give --hub-key."));
  } else if (key !== target.hubKey) {
    findings.push(missing(`Vault entry ${HUB_KEY} is another key than --hub-key`, change(HUB_KEY)));
  } else findings.push(ok(`Vault entry ${HUB_KEY} is --hub-key`));
  return findings;
}

/** A job of pg_cron and its last finished run. */
export interface Job {
  schedule: string;
  active: boolean;
  lastStatus: string | null;
  lastStartedAt: Date | null;
}

/** The schedule that picks up what a lost bell leaves behind. */
export function judgeJob(job: Job | null, now: Date): Finding[] {
  const name = "interlock-dispatch";
  if (job === null) {
    return [
      missing(
        `Scheduled job ${name}`,
        `select private.schedule_job('${name}', 30, $$select private.invoke_function('event-dispatch', '{"reason": "schedule"}'::jsonb)$$);`,
      ),
    ];
  }
  if (!job.active) {
    return [
      missing(
        `Scheduled job ${name} is switched off`,
        `select cron.alter_job((select jobid from cron.job where jobname = '${name}'), active := true);`,
      ),
    ];
  }
  const scheduled = ok(`Scheduled job ${name} (${job.schedule})`);
  if (job.lastStartedAt === null || now.getTime() - job.lastStartedAt.getTime() > SILENCE_MS) {
    const since = job.lastStartedAt === null
      ? "never ran"
      : `has not run since ${job.lastStartedAt.toISOString()}`;
    return [
      scheduled,
      missing(
        `Scheduled job ${name} ${since}`,
        "Right after the migrations wait a minute; else restart the database.",
      ),
    ];
  }
  if (job.lastStatus !== "succeeded") {
    return [
      scheduled,
      missing(
        `The last run of ${name} ${job.lastStatus}`,
        "Read why: select return_message from cron.job_run_details order by start_time desc limit 5;",
      ),
    ];
  }
  return [scheduled, ok(`The last run of ${name} succeeded`)];
}

/** What pg_net heard in the last minutes: how many calls event-dispatch accepted, and how the newest other one ended. */
export interface Calls {
  accepted: number;
  lastOtherStatus: number | null;
  others: number;
}

/** Whether calls of the database arrive at event-dispatch. pg_net forgets answers after some hours. */
export function judgeCalls(calls: Calls): Finding {
  if (calls.accepted > 0) return ok("event-dispatch accepts the calls of the database");
  const what = "event-dispatch accepted no call of the database in the last 5 minutes";
  if (calls.others === 0) {
    return missing(
      what,
      "pg_net sent nothing: check the Vault entries, then the job; a restart of the database helps pg_net.",
    );
  }
  if (calls.lastOtherStatus === 401) {
    return missing(what, `It answers 401: ${HUB_KEY} is not the secret key named hub.`);
  }
  if (calls.lastOtherStatus === 404) return missing(what, "It answers 404: run `supabase functions deploy`.");
  if (calls.lastOtherStatus === null) {
    return missing(what, `Nobody answers: check the Vault entry ${FUNCTIONS_URL}.`);
  }
  return missing(what, `It answers ${calls.lastOtherStatus}: look at the logs of event-dispatch.`);
}

/** What stands in the hub's own tables. */
export interface Contents {
  tenants: number;
  tenantsWithoutOwner: number;
  demoUsers: number;
  deadDispatches: number;
  /** Age of the oldest dispatch that could be claimed now; 0 = none waits. Seconds. */
  oldestDueSeconds: number;
}

/** First tenant, owners, no demo accounts on a project that others can reach, a queue that moves. */
export function judgeContents(contents: Contents, target: Pick<Target, "dbUrl">): Finding[] {
  const findings: Finding[] = [];
  if (contents.tenants === 0) {
    findings.push(missing("No tenant", "Create the first one as docs/deploy.md says, step 6."));
  } else if (contents.tenantsWithoutOwner > 0) {
    findings.push(
      missing(
        `${contents.tenantsWithoutOwner} of ${contents.tenants} tenants have no owner`,
        "Insert into public.tenant_members (tenant_id, user_id, role) with role 'owner'.",
      ),
    );
  } else findings.push(ok(`${contents.tenants} tenants, each with an owner`));
  if (contents.demoUsers > 0 && !isLoopback(target.dbUrl)) {
    findings.push(
      missing(
        `${contents.demoUsers} demo users with a public password can sign in`,
        "Delete the users of @acme.example and @globex.example; supabase/seed.sql is for development.",
      ),
    );
  }
  if (contents.deadDispatches > 0) {
    findings.push(
      note(
        `${contents.deadDispatches} dispatches are dead`,
        'docs/operations.md, "Dead dispatches", says what to press.',
      ),
    );
  }
  findings.push(
    contents.oldestDueSeconds > SILENCE_MS / 1000
      ? missing(
        `A due dispatch has waited ${Math.round(contents.oldestDueSeconds)} s`,
        'event-dispatch is not draining; docs/operations.md, "Nothing is dispatched".',
      )
      : ok("No due dispatch waits longer than 5 minutes"),
  );
  return findings;
}
