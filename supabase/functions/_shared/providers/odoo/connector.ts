import { type ConnectorTest, defineConnector } from "../connector_definition.ts";
import { clientOf } from "./client.ts";
import { countOf } from "./questions.ts";
import {
  type OdooConfig,
  odooConfig,
  type OdooConnection,
  type OdooSecrets,
  odooSecrets,
} from "./settings.ts";

/** Odoo: its departments and employees, over XML-RPC or JSON-2. */
export const odooConnector = defineConnector<OdooConfig, OdooSecrets>({
  type: "odoo",
  config: odooConfig,
  secrets: odooSecrets,
  addresses: ({ url }) => ({ url }),
  example: {
    config: { url: "https://acme.odoo.com", database: "acme" },
    secrets: { login: "hub@acme.example", api_key: "0123456789abcdef0123456789abcdef01234567" },
  },
  test,
});

/** Counts what a sync would read: that needs address, database, credentials and rights. */
async function test(connection: OdooConnection): Promise<ConnectorTest> {
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
