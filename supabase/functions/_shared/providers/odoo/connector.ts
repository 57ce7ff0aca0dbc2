import { defineConnector } from "../connector_definition.ts";
import { type OdooConfig, odooConfig, type OdooSecrets, odooSecrets } from "./settings.ts";

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
  functionName: "odoo-sync",
});
