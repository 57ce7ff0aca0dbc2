import { Cron } from "croner";
import postgres from "postgres";
import { keepListening } from "./keep_listening.ts";
import type { Log } from "./log.ts";

interface Job {
  jobid: string;
  schedule: string;
  command: string;
  database: string;
  username: string;
  jobname: string | null;
}

interface Timer {
  job: Job;
  stop(): void;
}

/**
 * Runs the jobs of the pg_cron double: in UTC, on a connection of the job's own user, never two runs of one job at
 * once, each run a row of cron.job_run_details. A change of cron.job counts at once.
 */
export async function startCronWorker(
  options: { adminDbUrl: string; log: Log },
): Promise<{ stop(): Promise<void> }> {
  const worker = new CronWorker(options.adminDbUrl, options.log);
  const listener = await keepListening(options.adminDbUrl, "interlock_cron", () => void worker.reload());
  return {
    async stop() {
      await Promise.all([listener.stop(), worker.stop()]);
    },
  };
}

class CronWorker {
  readonly #sql: postgres.Sql;
  readonly #timers = new Map<string, Timer>();
  readonly #running = new Map<string, postgres.Sql>();
  #stopped = false;
  #reloading = false;
  #reloadAgain = false;
  #abandonedClosed = false;

  constructor(private readonly adminDbUrl: string, private readonly log: Log) {
    this.#sql = postgres(adminDbUrl, {
      max: 2,
      onnotice: () => {},
      connection: { application_name: "pg_cron double" },
      backoff: () => 0.2,
    });
  }

  /** Brings the timers in line with cron.job; a job whose row did not change keeps its rhythm. */
  async reload(): Promise<void> {
    this.#reloadAgain = true;
    if (this.#reloading) return;
    this.#reloading = true;
    try {
      while (this.#reloadAgain && !this.#stopped) {
        this.#reloadAgain = false;
        await this.#closeAbandonedRuns();
        this.#apply(
          await this.#sql<Job[]>`
          select jobid::text, schedule, command, database, username, jobname from cron.job where active`,
        );
      }
    } catch (error) {
      // Undefined table: no migration has created the extension yet. Its first job will notify.
      if (!(error instanceof postgres.PostgresError && error.code === "42P01")) {
        this.#warn("The jobs could not be read; they are read again at the next change or reconnect.", error);
      }
    } finally {
      this.#reloading = false;
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers.values()) timer.stop();
    await Promise.all([this.#sql, ...this.#running.values()].map((sql) => sql.end({ timeout: 1 })));
  }

  #apply(jobs: Job[]): void {
    const wanted = new Map(jobs.map((job) => [job.jobid, JSON.stringify(job)]));
    for (const [jobId, timer] of this.#timers) {
      if (wanted.get(jobId) === JSON.stringify(timer.job)) continue;
      timer.stop();
      this.#timers.delete(jobId);
    }
    for (const job of jobs) {
      if (this.#timers.has(job.jobid)) continue;
      try {
        this.#timers.set(job.jobid, { job, stop: startTimer(job.schedule, () => void this.#run(job)) });
      } catch (error) {
        this.#warn(
          `The schedule "${job.schedule}" of job ${job.jobname ?? job.jobid} cannot be followed.`,
          error,
        );
      }
    }
  }

  /** Runs a worker that was killed left behind would stand as running for ever. */
  async #closeAbandonedRuns(): Promise<void> {
    if (this.#abandonedClosed) return;
    await this.#sql`
      update cron.job_run_details set status = 'failed', return_message = 'server restarted', end_time = now()
      where status in ('starting', 'running')`;
    this.#abandonedClosed = true;
  }

  async #run(job: Job): Promise<void> {
    if (this.#running.has(job.jobid) || this.#stopped) return;
    const connection = postgres(this.adminDbUrl, {
      max: 1,
      username: job.username,
      database: job.database,
      onnotice: () => {},
      connection: { application_name: `pg_cron job ${job.jobid}` },
    });
    this.#running.set(job.jobid, connection);
    try {
      await this.#runAndRecord(job, connection);
    } catch (error) {
      this.#warn(
        `Job ${job.jobname ?? job.jobid} could not be run or recorded; it runs again when next due.`,
        error,
      );
    } finally {
      await connection.end({ timeout: 1 }).catch(() => {});
      this.#running.delete(job.jobid);
    }
  }

  async #runAndRecord(job: Job, connection: postgres.Sql): Promise<void> {
    const [run] = await this.#sql<{ runid: string }[]>`
      insert into cron.job_run_details (jobid, database, username, command, status, start_time)
      values (${job.jobid}, ${job.database}, ${job.username}, ${job.command}, 'running', clock_timestamp())
      returning runid::text`;
    const finish = async (status: string, message: string, pid: number | null) =>
      await this.#sql`
        update cron.job_run_details
        set status = ${status}, return_message = ${message}, job_pid = ${pid}, end_time = clock_timestamp()
        where runid = ${run!.runid}`;
    try {
      const result = await connection.unsafe(job.command).simple();
      await finish("succeeded", describeResult(result), result.state?.pid ?? null);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#warn(`Job ${job.jobname ?? job.jobid} failed.`, error);
      await finish("failed", `ERROR: ${message}`, null);
    }
  }

  #warn(message: string, error: unknown): void {
    if (this.#stopped) return;
    this.log.warn("pg_cron", message, { reason: error instanceof Error ? error.message : String(error) });
  }
}

/** Calls back whenever a schedule is due, until the returned function is called. */
function startTimer(schedule: string, onDue: () => void): () => void {
  const seconds = /^\s*(\d+)\s+seconds?\s*$/i.exec(schedule)?.[1];
  if (seconds) {
    const timer = setInterval(onDue, Number(seconds) * 1000);
    return () => clearInterval(timer);
  }
  // pg_cron writes the last day of the month as $, croner as L.
  const cron = new Cron(schedule.trim().replace("$", "L"), { timezone: "UTC" }, onDue);
  return () => cron.stop();
}

interface CommandResult {
  command?: string;
  count?: number | null;
}

/** What pg_cron notes of a success: "1 row" for a query, else the command's tag. */
function describeResult(result: CommandResult | CommandResult[]): string {
  const last = Array.isArray(result) && !("command" in result) ? result.at(-1) : result as CommandResult;
  if (last?.command === "SELECT") return `${last.count} ${last.count === 1 ? "row" : "rows"}`;
  return [last?.command, last?.count].filter((part) => part !== undefined && part !== null).join(" ");
}
