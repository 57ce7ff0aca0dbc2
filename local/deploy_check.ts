// deno-lint-ignore-file no-console -- the report goes to the terminal
/**
 * `deno task deploy:check`: says line by line what a project has and lacks, so that a deployment is checked instead of
 * hoped for. Values of secrets are compared, never printed.
 *
 * @module
 */
import postgres from "postgres";
import { type Finding, missing, renderFinding } from "./deploy_check/finding.ts";
import { checkHttp } from "./deploy_check/http.ts";
import { checkRunning } from "./deploy_check/running_checks.ts";
import { checkSchema } from "./deploy_check/schema_checks.ts";
import { HELP, isLoopback, readTarget, type Target } from "./deploy_check/target.ts";
import { StackError } from "./stack_error.ts";

/** Everything that can be said about a target, in the order in which one would set it up. */
export async function checkTarget(target: Target): Promise<Finding[]> {
  return [...await checkDatabase(target), ...await checkHttp(target)];
}

async function checkDatabase(target: Target): Promise<Finding[]> {
  const sql = postgres(target.dbUrl, {
    max: 1,
    // Works through a transaction pooler too.
    prepare: false,
    connect_timeout: 10,
    onnotice: () => {},
    ...(isLoopback(target.dbUrl) || target.dbUrl.includes("sslmode=") ? {} : { ssl: "require" as const }),
  });
  try {
    await sql`select 1`;
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "no answer";
    await sql.end({ timeout: 1 });
    return [
      missing(
        `No connection to the database (${reason})`,
        "Check --db-url: user, password, host, and that your network reaches the session pooler.",
      ),
    ];
  }
  try {
    return [...await checkSchema(sql), ...await checkRunning(sql, target)];
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function main(): Promise<number> {
  let target: Target | null;
  try {
    target = readTarget(Deno.args, Deno.env.toObject());
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    console.error(error.message);
    return 2;
  }
  if (target === null) {
    console.log(HELP);
    return 0;
  }
  const findings = await checkTarget(target);
  for (const finding of findings) console.log(renderFinding(finding));
  const count = (state: Finding["state"]) => findings.filter((finding) => finding.state === state).length;
  console.log(
    `\n${count("ok")} ok, ${count("missing")} missing, ${count("note")} notes, ${count("skipped")} skipped`,
  );
  return count("missing") > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main());
