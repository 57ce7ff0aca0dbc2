import { type AnyConnector, defineConnector } from "../connector_definition.ts";
import type { z } from "zod";
import {
  type ApiConfig,
  apiConfigSchema,
  type ApiSecrets,
  apiSecretsSchema,
  type RestConfig,
  restConfigSchema,
} from "./config.ts";

const EXAMPLE = {
  config: {
    base_url: "https://api.crm.example/v1",
    auth: { kind: "bearer" },
    resources: {
      contacts: {
        path: "contacts",
        query: { sort: "id" },
        records: "data",
        id: "id",
        fields: { name: "first_name & ' ' & last_name", email: "$lowercase(email)" },
        updated_at: "updated_at",
        entity_type: "contact",
        pagination: { kind: "cursor", next: "paging.next", parameter: "after" },
        incremental: { parameter: "updated_since" },
        deletions: { deleted: "deleted" },
      },
    },
  },
  secrets: { token: "example-token" },
};

/** Any REST API: resources are declared, not programmed. With `flavor: "resend"` it is a sender of e-mail instead. */
export const apiConnector: AnyConnector = defineConnector<ApiConfig, ApiSecrets>({
  type: "api",
  config: () => apiConfigSchema as z.ZodType<ApiConfig>,
  secrets: () => apiSecretsSchema,
  addresses,
  example: EXAMPLE,
  functionName: "api-sync",
});

/**
 * A system of the tenant's own, for example a CRM: the same engine as `api`, under a name of its own, so that what reads
 * events can tell records of a business system from those of any API.
 */
export const customConnector: AnyConnector = defineConnector<RestConfig, ApiSecrets>({
  type: "custom",
  config: () => restConfigSchema as z.ZodType<RestConfig>,
  secrets: () => apiSecretsSchema,
  addresses,
  example: EXAMPLE,
  functionName: "api-sync",
});

function addresses(config: ApiConfig): Record<string, string> {
  if (config.flavor === "resend") return { base_url: config.base_url };
  const tokens = config.auth.kind === "oauth2_client_credentials" ? config.auth.token_url : undefined;
  return { base_url: config.base_url, ...tokens !== undefined && { "auth.token_url": tokens } };
}
