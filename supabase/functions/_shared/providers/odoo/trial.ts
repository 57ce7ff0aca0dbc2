import type { ConnectorTest } from "../synced_connector.ts";
import { clientOf } from "./client.ts";
import { countOf } from "./questions.ts";
import type { OdooConnection } from "./settings.ts";

/** Counts what a sync would read: that needs address, database, credentials and rights. */
export async function testOdoo(connection: OdooConnection): Promise<ConnectorTest> {
  const client = await clientOf(connection);
  const [inDepartments, people] = [
    await countOf(client, "hr.department", []),
    await countOf(client, "hr.employee", []),
  ];
  const { database, url } = connection.config;
  const accountName = database ?? new URL(url).hostname;
  const spoken = client.protocol === "json_2" ? "JSON-2" : "XML-RPC";
  return {
    message: `Connected to ${accountName}, Odoo ${client.version.text} over ${spoken}: ` +
      `${people} employees in ${inDepartments} departments.`,
    accountName,
  };
}
