import { hubClient } from "../_shared/db/clients.ts";
import { type Json } from "../_shared/db/store.ts";
import { tenantDb } from "../_shared/db/tenant_db.ts";
import { unwrap } from "../_shared/db/unwrap.ts";
import { generateSigningSecret } from "../_shared/delivery/signature.ts";
import { pageQuerySchema } from "../_shared/http/keyset.ts";
import { newestFirst } from "../_shared/http/newest_first.ts";
import { route } from "../_shared/http/route.ts";
import { checkConfig } from "../_shared/subscriptions/check_config.ts";
import { withSecret } from "../_shared/subscriptions/signing_secret.ts";
import { splitHeaders } from "../_shared/subscriptions/settings.ts";
import { withStates } from "../_shared/subscriptions/state.ts";
import { withStatistics } from "../_shared/subscriptions/statistics.ts";
import { integrationAnswer, integrationSecretAnswer, listedIntegrationAnswer } from "./answers.ts";
import { createSchema, updateSchema } from "./integration_schemas.ts";

const COLUMNS =
  "id, integration_key, label, description, is_enabled, flow, config, scopes, metadata, last_synced_at, failing_since, disabled_at, disabled_reason, public_key, previous_secret_expires_at, created_by, created_at, updated_at";

export const integrationRoutes = [
  route({
    method: "GET",
    path: "/integrations",
    summary: "Lists the tenant's integrations with their delivery statistics, newest first",
    auth: "user",
    permission: "integrations.read",
    query: pageQuerySchema,
    response: { status: 200, form: "list", schema: listedIntegrationAnswer },
    examples: [{ name: "all", needs: ["integration_id"] }],
    handler: async ({ access, query }) => {
      const select = access.db.from("guardian_meta_integrations").select(COLUMNS);
      const { rows, next_cursor } = await newestFirst(select, query);
      return Response.json({
        data: await withStates(access.tenantId, await withStatistics(access.tenantId, rows)),
        next_cursor,
      });
    },
  }),
  route({
    method: "POST",
    path: "/integrations",
    summary: "Creates an integration; the answer shows its signing secret once",
    auth: "user",
    permission: "integrations.manage",
    body: createSchema,
    response: { status: 201, schema: integrationSecretAnswer },
    errors: ["CONFLICT"],
    examples: [{
      name: "readiness",
      body: {
        integration_key: "crm-sync",
        label: "CRM",
        description: "Keeps the readiness score in the CRM",
        is_enabled: true,
        config: {
          webhook_url: "https://hooks.example.com/readiness",
          headers: { "x-api-key": "the receiver's own key" },
          timeout_ms: 5000,
          max_attempts: 5,
          max_in_flight: 4,
        },
        scopes: ["readiness", "adoption"],
      },
      stands_for: { "/config/webhook_url": "webhook_url", "/integration_key": "integration_key" },
    }],
    handler: async ({ access, body }) => {
      await checkConfig(body.config, "config");
      const { config, headers } = splitHeaders(body.config);
      const signingSecret = generateSigningSecret(config.signature);
      const integration = unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("create_guardian_meta_integration", {
          p_integration_key: body.integration_key,
          p_label: body.label,
          p_description: (body.description ?? null) as string,
          p_is_enabled: body.is_enabled,
          p_config: config as Json,
          p_headers: headers,
          p_scopes: body.scopes,
          p_metadata: {},
          p_secret: signingSecret,
          p_actor: access.userId,
        }),
      );
      return Response.json(withSecret(integration, signingSecret), { status: 201 });
    },
  }),
  route({
    method: "PATCH",
    path: "/integrations",
    summary: "Changes integrations, all or none; configuration is merged setting by setting",
    auth: "user",
    permission: "integrations.manage",
    body: updateSchema,
    response: { status: 200, form: "list", schema: integrationAnswer },
    examples: [{
      name: "enable_and_tune",
      body: {
        updates: [{
          id: "a4000000-0000-4000-8000-000000000001",
          label: "CRM, tuned",
          description: "Slower, but it works",
          is_enabled: true,
          config: { timeout_ms: 20000, max_attempts: null, headers: { "x-api-key": "a newer key" } },
          scopes: ["readiness"],
        }],
      },
      stands_for: { "/updates/0/id": "integration_id" },
    }],
    handler: async ({ access, body }) => {
      for (const [index, update] of body.updates.entries()) {
        await checkConfig(update.config, `updates.${index}.config`);
      }
      const updates = body.updates.map((update) =>
        update.config ? { ...update, ...splitHeaders(update.config) } : update
      );
      const integrations = unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("update_guardian_meta_integrations", {
          p_updates: updates as Json,
          p_actor: access.userId,
        }),
      );
      return Response.json({ data: integrations, next_cursor: null });
    },
  }),
];
