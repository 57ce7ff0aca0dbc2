import { cpus, totalmem } from "node:os";
import type postgres from "postgres";
import type { Stack } from "../../local/stack.ts";

/** Where and with what was measured. */
export interface Setting {
  measuredOn: string;
  commit: string;
  machine: { cores: number; cpu: string; memoryGiB: number };
  versions: Record<string, string>;
  /** Settings of the server; empty when none takes part. */
  postgres: Record<string, string>;
  /** Of the minute before the run: what else the machine was busy with. */
  loadAverage: number;
}

/** Asks the machine and the working copy who they are; `packages` are those that take part. */
export async function readSetting(packages: string[]): Promise<Setting> {
  return {
    measuredOn: new Date().toISOString().slice(0, 10),
    commit: await commit(),
    machine: {
      cores: cpus().length,
      cpu: cpus()[0]?.model ?? "unknown",
      memoryGiB: Math.round(totalmem() / 2 ** 30),
    },
    versions: { deno: Deno.version.deno, ...await packageVersions(packages) },
    postgres: {},
    loadAverage: Number((Deno.loadavg()[0] ?? 0).toFixed(2)),
  };
}

/** The same with the database and PostgREST of a stack. */
export async function readStackSetting(
  sql: postgres.Sql,
  { apiUrl, secretKey }: Pick<Stack, "apiUrl" | "secretKey">,
  packages: string[],
): Promise<Setting> {
  const settings = await sql<{ name: string; setting: string }[]>`
    select name, current_setting(name) as setting from pg_settings
    where name in ('server_version', 'fsync', 'synchronous_commit', 'shared_buffers', 'jit')`;
  const { server_version: version, ...postgresSettings } = Object.fromEntries(
    settings.map(({ name, setting }) => [name, setting]),
  );
  const rest = await fetch(`${apiUrl}/rest/v1/`, { headers: { apikey: secretKey } });
  await rest.body?.cancel();
  const setting = await readSetting(packages);
  const { deno, ...others } = setting.versions;
  const servers = {
    deno: deno!,
    postgres: version ?? "unknown",
    postgrest: rest.headers.get("server")?.replace("postgrest/", "") ?? "unknown",
  };
  return { ...setting, versions: { ...servers, ...others }, postgres: postgresSettings };
}

/** The commit measured, marked when the working copy differs from it where it matters. */
async function commit(): Promise<string> {
  const git = async (...args: string[]) => {
    const output = await new Deno.Command("git", { args, cwd: new URL("../..", import.meta.url) }).output();
    return output.success ? new TextDecoder().decode(output.stdout).trim() : null;
  };
  try {
    const hash = await git("rev-parse", "--short", "HEAD");
    const changed = await git("status", "--porcelain", "--", "supabase", "local");
    return hash === null ? "unknown" : `${hash}${changed ? " with changes" : ""}`;
  } catch {
    return "unknown"; // No git on this machine.
  }
}

async function packageVersions(names: string[]): Promise<Record<string, string>> {
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url))) as {
    imports: Record<string, string>;
  };
  return Object.fromEntries(
    names.map((name) => [
      name === "postgres" ? "postgres.js" : name,
      imports[name]?.split("@").at(-1) ?? "unknown",
    ]),
  );
}

/** The lines of a report that say where the numbers come from. `busy`: what runs on the machine beside the subject. */
export function settingLines(setting: Setting, busy: string): string[] {
  const { machine, versions, postgres, loadAverage } = setting;
  const named = (values: Record<string, string>) =>
    Object.entries(values).map(([name, value]) => `${name} ${value}`).join(", ");
  return [
    `- Machine: ${machine.cores} cores (${machine.cpu}), ${machine.memoryGiB} GiB. Load average at the start: ${loadAverage}.`,
    `  ${busy}`,
    `- Versions: ${named(versions)}.`,
    ...(Object.keys(postgres).length > 0 ? [`- Postgres: ${named(postgres)}.`] : []),
  ];
}
