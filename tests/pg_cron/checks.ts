import assert from "node:assert/strict";
import { join } from "node:path";
import type postgres from "postgres";

/** The next full minute, and then some for a busy machine. */
const FIRE_WITHIN_MS = 90_000;

/** What must hold where the real pg_cron counts in minutes; each line runs on what the lines before left behind. */
export function cronChecks(sql: postgres.Sql, migrationsDir: string): Record<string, () => Promise<void>> {
  return {
    "the role postgres is as on the platform: no superuser, yet creates roles and passes row level security":
      async () => {
        const [role] = await sql`
        select rolsuper, rolcreaterole, rolcreatedb, rolbypassrls from pg_roles where rolname = current_user`;
        assert.deepEqual({ ...role }, {
          rolsuper: false,
          rolcreaterole: true,
          rolcreatedb: true,
          rolbypassrls: true,
        });
      },
    "this pg_cron is older than 1.5 and refuses seconds": async () => {
      const [extension] = await sql`select extversion from pg_extension where extname = 'pg_cron'`;
      assert.match(extension?.extversion, /^1\.[0-4]\b/);
      await assert.rejects(
        () => sql`select cron.schedule('seconds', '30 seconds', 'select 1')`,
        /invalid schedule/,
      );
    },
    "schedule_job falls back to whole minutes": async () => {
      for (
        const [everySeconds, schedule] of [
          [1, "* * * * *"],
          [30, "* * * * *"],
          [60, "* * * * *"],
          [300, "*/5 * * * *"],
          [7200, "0 */2 * * *"],
          [86_400, "0 3 * * *"],
        ] as const
      ) {
        await sql`select private.schedule_job('fallback', ${everySeconds}, 'select 1')`;
        const [job] = await sql`select schedule from cron.job where jobname = 'fallback'`;
        assert.equal(job?.schedule, schedule, `every ${everySeconds} seconds`);
      }
      await sql`select cron.unschedule('fallback')`;
    },
    "cron.job holds the jobs of the migrations and no others, active, as the role postgres": async () => {
      const jobs = await sql`select jobname, username, database, active from cron.job order by jobname`;
      const names = scheduledBy(migrationsDir);
      assert.ok(names.includes("interlock-dispatch"));
      assert.deepEqual(
        jobs.map((job) => ({ ...job })),
        names.map((name) => ({ jobname: name, username: "postgres", database: "postgres", active: true })),
      );
    },
    "every job of the migrations, set to every minute, is run by pg_cron and succeeds": async () => {
      await putVaultEntries(sql);
      await sql`select cron.alter_job(jobid, schedule := '* * * * *') from cron.job`;
      const runs = await runsOfAllJobs(sql);
      for (const run of runs) {
        assert.equal(run.status, "succeeded", `${run.jobname}: ${run.status} ${run.return_message ?? ""}`);
      }
    },
    "the job interlock-dispatch has asked for event-dispatch, with the key from Vault": async () => {
      const requests = await sql`
        select method, headers ->> 'apikey' as apikey, convert_from(body, 'UTF8')::jsonb ->> 'reason' as reason
        from net.http_request_queue where url = 'http://functions.invalid/event-dispatch'`;
      assert.ok(requests.some((request) => request.reason === "schedule"));
      assert.ok(requests.every((request) => request.method === "POST" && request.apikey === "the hub key"));
    },
  };
}

/** The names that the migrations schedule, less those that a later one takes away. */
function scheduledBy(migrationsDir: string): string[] {
  const files = [...Deno.readDirSync(migrationsDir)].map((entry) => entry.name).filter((name) =>
    name.endsWith(".sql")
  ).sort();
  const text = files.map((name) => Deno.readTextFileSync(join(migrationsDir, name))).join("\n")
    .replaceAll(/--.*$/gm, "");
  const names = new Set<string>();
  for (const [, verb, name] of text.matchAll(/\b(schedule_job|unschedule)\(\s*'([^']+)'/g)) {
    if (verb === "schedule_job") names.add(name!);
    else names.delete(name!);
  }
  return [...names].sort();
}

async function putVaultEntries(sql: postgres.Sql): Promise<void> {
  await sql`select vault.create_secret('http://functions.invalid', 'interlock_functions_url')`;
  await sql`select vault.create_secret('the hub key', 'interlock_hub_key')`;
}

interface Run {
  jobname: string;
  status: string | null;
  return_message: string | null;
}

/** Waits until each job has run once and answers its first run. */
async function runsOfAllJobs(sql: postgres.Sql): Promise<Run[]> {
  const deadline = Date.now() + FIRE_WITHIN_MS;
  while (true) {
    const runs = await sql<Run[]>`
      select distinct on (j.jobid) j.jobname, d.status, d.return_message
      from cron.job j left join cron.job_run_details d on d.jobid = j.jobid
      order by j.jobid, d.runid`;
    const waiting = runs.filter(({ status }) =>
      status === null || /^(starting|running|sending)/.test(status)
    );
    if (waiting.length === 0 && runs.length > 0) return runs;
    if (Date.now() > deadline) {
      const names = waiting.map((run) => run.jobname).join(", ");
      throw new Error(`pg_cron has not run ${names || "any job"} within ${FIRE_WITHIN_MS} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
