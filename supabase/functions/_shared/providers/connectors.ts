import type { AnyConnector } from "./connector_definition.ts";

/** Every kind of connector: a line each. Code is loaded when one of its kind is met. */
const connectors: Readonly<Record<string, () => Promise<AnyConnector>>> = {
  api: async () => (await import("./api/connector.ts")).apiConnector,
  custom: async () => (await import("./api/connector.ts")).customConnector,
  odoo: async () => (await import("./odoo/connector.ts")).odooConnector,
  slack: async () => (await import("./slack/connector.ts")).slackConnector,
  google_workspace: async () => (await import("./google_workspace/connector.ts")).googleWorkspace,
  webhook: async () => (await import("./webhook/connector.ts")).webhookConnector,
};

/** Names of the kinds of connector, for schemas. */
export const connectorTypes: readonly string[] = Object.keys(connectors).sort();

/** The definition of a kind of connector; undefined when there is none. */
export async function connectorOf(type: string): Promise<AnyConnector | undefined> {
  return Object.hasOwn(connectors, type) ? await connectors[type]!() : undefined;
}
