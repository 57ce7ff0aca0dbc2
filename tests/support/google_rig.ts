import { freePort } from "../../local/free_port.ts";
import { type GoogleAccount, withGoogle } from "./google_account.ts";
import { withHubEnvironment } from "./hub_environment.ts";

const port = freePort();
withHubEnvironment({
  INTERLOCK_EGRESS_ALLOW_LOCAL: "1",
  INTERLOCK_GOOGLE_API_URL: `http://127.0.0.1:${port}`,
});

/** A test with a Google that runs. Egress keeps connections and their timers between tests. */
export function googleTest(name: string, run: (account: GoogleAccount) => Promise<void>): void {
  Deno.test({ name, fn: () => withGoogle(port, run), sanitizeResources: false, sanitizeOps: false });
}
