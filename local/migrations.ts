import { join } from "node:path";
import postgres from "postgres";
import { StackError } from "./stack_error.ts";

/**
 * Applies the migrations that are not yet recorded, each in a transaction, as the role postgres; the record is the one
 * the official CLI keeps, so that both can go on from each other.
 *
 * @returns the names of the files applied.
 * @throws {StackError} naming file, line and reason of the first that fails.
 */
export async function applyMigrations(dbUrl: string, migrationsDir: string): Promise<string[]> {
  const sql = postgres(dbUrl, { max: 1, onnotice: () => {} });
  try {
    await sql.unsafe(`create schema if not exists supabase_migrations;
      create table if not exists supabase_migrations.schema_migrations (version text primary key, statements text[], name text)`);
    const done = new Set(
      (await sql<{ version: string }[]>`select version from supabase_migrations.schema_migrations`)
        .map((row) => row.version),
    );
    const applied: string[] = [];
    for (const file of await migrationFiles(migrationsDir)) {
      const [, version, name] = /^(\d+)_(.*)\.sql$/.exec(file)!;
      if (done.has(version!)) continue;
      const text = await Deno.readTextFile(join(migrationsDir, file));
      await sql.begin(async (transaction) => {
        await transaction.unsafe(text);
        await transaction`insert into supabase_migrations.schema_migrations (version, statements, name)
          values (${version!}, ${[text]}, ${name!})`;
      }).catch((error) => {
        throw new StackError(`Migration ${file}${lineOf(text, error)} failed: ${error.message}`);
      });
      applied.push(file);
    }
    return applied;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Runs a seed file once per cluster; `recorded` remembers it. */
export async function applySeed(dbUrl: string, seedFile: string): Promise<void> {
  const sql = postgres(dbUrl, { max: 1, onnotice: () => {} });
  try {
    const text = await Deno.readTextFile(seedFile);
    await sql.begin((transaction) => transaction.unsafe(text)).catch((error) => {
      throw new StackError(`The seed${lineOf(text, error)} failed: ${error.message}`);
    });
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function migrationFiles(migrationsDir: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(migrationsDir)) {
      if (/^\d+_.*\.sql$/.test(entry.name)) names.push(entry.name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort();
}

function lineOf(text: string, error: { position?: string }): string {
  return error.position ? `, line ${text.slice(0, Number(error.position)).split("\n").length},` : "";
}
