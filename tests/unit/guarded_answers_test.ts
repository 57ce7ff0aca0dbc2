import assert from "node:assert/strict";
import { sendGuarded } from "../../supabase/functions/_shared/connectors/open_connector.ts";
import { ProviderError } from "../../supabase/functions/_shared/providers/provider_error.ts";
import { withHubEnvironment } from "../support/hub_environment.ts";

withHubEnvironment({ INTERLOCK_EGRESS_ALLOW_LOCAL: "1" });

/** What {@link sendGuarded} says of one request to a server that answers so. */
async function failureOf(answer: () => Response, maxResponseBytes = 1000): Promise<ProviderError> {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, answer);
  try {
    await sendGuarded({ url: `http://127.0.0.1:${server.addr.port}/`, maxResponseBytes });
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  } finally {
    await server.shutdown();
  }
  throw new Error("Nothing failed");
}

Deno.test("an answer that is too large is not asked for again and again", async () => {
  const failure = await failureOf(() => new Response("x".repeat(1001)));
  assert.deepEqual([failure.errorClass, failure.isPassing], ["misconfigured", false]);
  assert.match(failure.message, /too large; ask for smaller pages/);
});

Deno.test("a provider that is not there may be back soon; an address that may not be called is not tried", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  for (
    const [url, errorClass] of [[`http://127.0.0.1:${port}/`, "transient"], [
      "ftp://127.0.0.1/",
      "misconfigured",
    ]]
  ) {
    await assert.rejects(
      sendGuarded({ url: url! }),
      (error) => error instanceof ProviderError && error.errorClass === errorClass,
      url,
    );
  }
});
