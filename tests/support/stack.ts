import postgres from "postgres";
import type { StackKeys } from "../../local/keys.ts";
import type { CertificateAuthority } from "./certificate.ts";

/** The stack the tests run against; tests/run.ts starts it. */
export interface TestStack {
  apiUrl: string;
  dbUrl: string;
  adminDbUrl: string;
  publishableKey: string;
  secretKey: string;
  hubKey: string;
  keys: StackKeys;
  logFile: string;
  /** Signs certificates that the functions trust. */
  certificateAuthority: CertificateAuthority;
  /** Functions take a server on this port of loopback for Slack's API. */
  slackPort: number;
  /** ... and on this one for Google's public keys. */
  googlePort: number;
}

const stackFile = Deno.env.get("INTERLOCK_TEST_STACK");
if (!stackFile) throw new Error("These tests need a stack: run them with `deno task test`");

/** The stack of this run. */
export const stack = JSON.parse(Deno.readTextFileSync(stackFile)) as TestStack;

/** The database as role postgres. Shared by all tests of a file; the process ends with the file. */
export const sql = postgres(stack.dbUrl, { max: 4, onnotice: () => {} });

/** The database as superuser: for looking behind the walls, never for what is under test. */
export const adminSql = postgres(stack.adminDbUrl, { max: 2, onnotice: () => {} });

/**
 * A test against the stack. Connections are shared between the tests of a file, so Deno's per-test leak checks do not
 * apply; everything else does.
 */
export function stackTest(name: string, run: () => Promise<void>): void {
  Deno.test({ name, fn: run, sanitizeResources: false, sanitizeOps: false });
}

/** Waits until `probe` answers something else than null or false, by default for at most 30 s: a busy machine may stand still for long. */
export async function eventually<T>(
  probe: () => Promise<T | null | false | undefined>,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  while (true) {
    const found = await probe();
    if (found !== null && found !== false && found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`Nothing within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
