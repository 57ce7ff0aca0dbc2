import type postgres from "postgres";

/**
 * Makes every flush of the write-ahead log of a server wait so much longer, 0 = as it is: what a network disk costs.
 * Postgres does it itself: the backend that flushes for all others sleeps before (commit_delay, with commit_siblings 0).
 *
 * @param sql - a superuser's connection.
 */
export async function setFlushDelay(sql: postgres.Sql, delayMs: number): Promise<void> {
  await sql.unsafe(`alter system set commit_delay = ${Math.round(delayMs * 1000)}`);
  await sql.unsafe("alter system set commit_siblings = 0");
  await sql`select pg_reload_conf()`;
  await new Promise((resolve) => setTimeout(resolve, 200)); // Until every backend has read it.
}
