/** Below what Linux gives to outgoing connections (32768 and up): one of those could take the port before its server does. */
const FIRST_PORT = 20_000;
const LAST_PORT = 31_999;
const MAX_TRIES = 200;

/**
 * A loopback port that was free a moment ago.
 *
 * @throws {Deno.errors.AddrInUse} when none of many is free.
 */
export function freePort(): number {
  for (let attempt = 1;; attempt++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT + 1));
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) || attempt === MAX_TRIES) throw error;
    }
  }
}
