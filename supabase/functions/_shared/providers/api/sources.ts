import { withSources } from "../synced_connector.ts";
import type { ApiConfig, ApiSecrets, RestConfig } from "./config.ts";
import { apiConnector, customConnector } from "./connector.ts";
import { resourceSource } from "./resource_source.ts";

/** A stream per declared resource; a sender of e-mail has none. */
export const api = withSources<ApiConfig, ApiSecrets>(
  apiConnector,
  (config) => config.flavor === "resend" ? [] : resourcesOf(config),
);

/** The same for a system of the tenant's own. */
export const custom = withSources<RestConfig, ApiSecrets>(customConnector, resourcesOf);

function resourcesOf(config: RestConfig) {
  return Object.entries(config.resources).map(([name, resource]) => resourceSource(name, resource));
}
