import type { EgressRequest, EgressResponse } from "../guardrails/egress/egress.ts";
import type { Logger } from "../log.ts";
import { ProviderError } from "./provider_error.ts";

/** A request to a provider; what is left out has a usual value. */
export type ProviderRequest =
  & Pick<EgressRequest, "url">
  & Partial<Omit<EgressRequest, "url">>;

/** A connector in use: its settings, credentials that are valid now, and the guarded way out. */
export interface Connection<Config = unknown, Secrets = unknown> {
  readonly tenantId: string;
  readonly connectorId: string;
  /** Parsed with the connector's schema. */
  readonly config: Config;
  /**
   * Credentials that are valid now: those of a grant are refreshed before they expire, once at a time per connector.
   *
   * @param refused - what the provider has just refused: newer ones are fetched, or had if somebody did so meanwhile.
   * @throws {ProviderError} reconnect_needed when there are none or no newer ones, transient when they cannot be had now.
   */
  secrets(refused?: Secrets): Promise<Secrets>;
  /**
   * Sends a request through egress, within 30 s and with at most 16 MiB of answer unless it says otherwise.
   *
   * @throws {ProviderError} transient or misconfigured (an address that may not be called).
   */
  send(request: ProviderRequest): Promise<EgressResponse>;
  readonly log: Logger;
}

/**
 * Calls a provider with valid credentials, once more with newer ones when it refuses them: clocks differ, and a grant may
 * be refreshed elsewhere.
 *
 * @throws {ProviderError} as `call` does; reconnect_needed is final then.
 */
export async function withValidSecrets<Secrets, Answer>(
  connection: Pick<Connection<unknown, Secrets>, "secrets">,
  call: (secrets: Secrets) => Promise<Answer>,
): Promise<Answer> {
  const secrets = await connection.secrets();
  try {
    return await call(secrets);
  } catch (error) {
    if (!(error instanceof ProviderError) || error.errorClass !== "reconnect_needed") throw error;
    const newer = await connection.secrets(secrets).catch((reason: unknown) => {
      // That there are none is known already; the provider's own words say more.
      throw reason instanceof ProviderError && reason.errorClass === "reconnect_needed" ? error : reason;
    });
    return await call(newer);
  }
}
