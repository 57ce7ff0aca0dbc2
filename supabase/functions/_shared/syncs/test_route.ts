import * as z from "zod";

import { usableConnector } from "../connectors/connector_row.ts";
import { type Finding, findingSchema } from "../connectors/finding.ts";
import { openConnector } from "../connectors/open_connector.ts";
import { InterlockError } from "../errors/interlock_error.ts";
import { type AnyRoute, route } from "../http/route.ts";
import { storableText } from "../json/storable_text.ts";
import type { Logger } from "../log.ts";
import { ProviderError } from "../providers/provider_error.ts";
import type { SyncedConnector } from "../providers/synced_connector.ts";

const connectorSchema = z.strictObject({ tenant_id: z.uuid(), connector_id: z.uuid() });

/**
 * Tries connectors of the kinds a function syncs. Changes nothing here: `integrations` asks for people, checks that the
 * connector is theirs, and records what is found.
 */
export function testRoute(functionName: string, connectors: SyncedConnector[]): AnyRoute {
  return route({
    method: "POST",
    path: "/test",
    summary: "Asks the provider whether a connector works; records nothing",
    auth: "service",
    body: connectorSchema,
    response: { status: 200, schema: () => findingSchema },
    errors: ["NOT_FOUND"],
    examples: [{
      name: "one",
      body: {
        tenant_id: "a0000000-0000-4000-8000-000000000001",
        connector_id: "c0000000-0000-4000-8000-000000000001",
      },
      stands_for: {
        "/tenant_id": "tenant_id",
        "/connector_id": `${functionName.replaceAll("-", "_")}_connector_id`,
      },
    }],
    handler: async ({ body, log }) => Response.json(await found(body, connectors, log)),
  });
}

/** @throws {InterlockError} NOT_FOUND for a connector that is not there, or not of these kinds. */
async function found(
  named: z.infer<typeof connectorSchema>,
  connectors: SyncedConnector[],
  log: Logger,
): Promise<Finding> {
  const row = await usableConnector({
    tenantId: named.tenant_id,
    connectorId: named.connector_id,
    orgId: null,
    isInUse: false,
  });
  const synced = connectors.find(({ definition }) => definition.type === row.type);
  if (!synced) throw new InterlockError("NOT_FOUND", `Connectors of ${row.type} are not tested here.`);
  try {
    const { connection } = openConnector(synced.definition, row, log);
    const { message, accountName } = await synced.test(connection);
    // The provider chose the names in it, and they are stored.
    return {
      message: storableText(message),
      account_name: accountName === null ? null : storableText(accountName),
      error_class: null,
    };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { message: error.message, account_name: null, error_class: error.errorClass };
  }
}
