import type { Connection } from "../connection.ts";
import { syncedConnector } from "../synced_connector.ts";
import type { ApiConfig, ApiSecrets, RestConfig } from "./config.ts";
import { apiConnector, customConnector } from "./connector.ts";
import { testResend } from "./resend.ts";
import { resourceSource } from "./resource_source.ts";
import { testRest } from "./test_rest.ts";

/** A stream per declared resource; a sender of e-mail has none. */
export const api = syncedConnector<ApiConfig, ApiSecrets>(apiConnector, {
  test: (connection) => isRest(connection) ? testRest(connection) : testResend(connection),
  sources: (config) => config.flavor === "resend" ? [] : resourcesOf(config),
});

/** The same for a system of the tenant's own. */
export const custom = syncedConnector<RestConfig, ApiSecrets>(customConnector, {
  test: testRest,
  sources: resourcesOf,
});

function isRest(
  connection: Connection<ApiConfig, ApiSecrets>,
): connection is Connection<RestConfig, ApiSecrets> {
  return connection.config.flavor !== "resend";
}

function resourcesOf(config: RestConfig) {
  return Object.entries(config.resources).map(([name, resource]) => resourceSource(name, resource));
}
