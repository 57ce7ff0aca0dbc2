import postgres from "postgres";

/** How long to wait before trying a connection again: a restart of Postgres takes a second or two. */
const RETRY_SECONDS = 0.2;

/**
 * Calls `onWake` on every notification of a channel, once at the start, and once after every reconnect, because what
 * was notified while the connection was away is lost.
 */
export async function keepListening(
  databaseUrl: string,
  channel: string,
  onWake: () => void,
): Promise<{ stop(): Promise<void> }> {
  const sql = postgres(databaseUrl, {
    max: 1,
    onnotice: () => {},
    connection: { application_name: `listen ${channel}` },
    backoff: () => RETRY_SECONDS,
  });
  await sql.listen(channel, () => onWake(), () => onWake());
  return { stop: () => sql.end({ timeout: 1 }) };
}
