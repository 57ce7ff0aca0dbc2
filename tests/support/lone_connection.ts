import { createEgressClient } from "../../supabase/functions/_shared/guardrails/egress/egress_client.ts";
import { EgressError } from "../../supabase/functions/_shared/guardrails/egress/egress_error.ts";
import { createLogger } from "../../supabase/functions/_shared/log.ts";
import type { Connection } from "../../supabase/functions/_shared/providers/connection.ts";
import { ProviderError } from "../../supabase/functions/_shared/providers/provider_error.ts";

/** What a connection without a hub behind it is made of. */
export interface LoneConnectionOptions<Config, Secrets> {
  config: Config;
  secrets: Secrets;
  /** Newer credentials, when the provider refuses the ones there are; left out = there are none. */
  renew?: () => Secrets;
  /** Where a request really goes, for a simulator that listens elsewhere than the code believes. */
  redirect?: (url: string) => string;
  /** false = as on a project that others reach: loopback may not be called. */
  allowLocal?: boolean;
}

/** A connector in use, without a hub: for trying a source against a simulator, through the real egress. */
export function loneConnection<Config, Secrets>(
  options: LoneConnectionOptions<Config, Secrets>,
): Connection<Config, Secrets> & { close(): void } {
  const client = createEgressClient({ ports: [443], allowLocal: options.allowLocal ?? true });
  let { secrets } = options;
  return {
    tenantId: crypto.randomUUID(),
    connectorId: crypto.randomUUID(),
    config: options.config,
    log: createLogger("test"),
    secrets: (refused) => {
      if (refused === undefined) return Promise.resolve(secrets);
      if (!options.renew) {
        return Promise.reject(new ProviderError("reconnect_needed", "There are no newer credentials."));
      }
      secrets = options.renew();
      return Promise.resolve(secrets);
    },
    async send(request) {
      try {
        return await client.sendRequest({
          method: "GET",
          headers: {},
          timeoutMs: 5_000,
          maxResponseBytes: 16 * 1024 * 1024,
          ...request,
          url: options.redirect?.(request.url) ?? request.url,
        });
      } catch (error) {
        if (!(error instanceof EgressError)) throw error;
        const isRefused = error.errorClass === "url_refused" || error.errorClass === "address_refused";
        throw new ProviderError(isRefused ? "misconfigured" : "transient", error.message, { cause: error });
      }
    },
    close: () => client.close(),
  };
}
