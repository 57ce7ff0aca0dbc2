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
import {
  compiled,
  createdSubscriptionAnswer,
  createSchema,
  eventSubscriptionAnswer,
  listedSubscriptionAnswer,
  updateSchema,
} from "./subscription_schemas.ts";

const COLUMNS =
  "id, org_id, label, description, is_enabled, flow, config, event_types, filter, metadata, last_synced_at, failing_since, disabled_at, disabled_reason, public_key, previous_secret_expires_at, created_by, created_at, updated_at";

export const subscriptionRoutes = [
  route({
    method: "GET",
    path: "/",
    summary: "Lists subscriptions to events with their delivery statistics, newest first",
    auth: "user",
    permission: "integrations.read",
    query: pageQuerySchema,
    response: { status: 200, form: "list", schema: listedSubscriptionAnswer },
    examples: [{ name: "all", needs: ["subscription_id"] }],
    handler: async ({ access, query }) => {
      const select = access.db.from("event_subscriptions").select(COLUMNS);
      const { rows, next_cursor } = await newestFirst(select, query);
      return Response.json({
        data: await withStates(access.tenantId, await withStatistics(access.tenantId, rows)),
        next_cursor,
      });
    },
  }),
  route({
    method: "POST",
    path: "/",
    summary: "Subscribes an endpoint to events; the answer shows its signing secret once",
    auth: "user",
    permission: "integrations.manage",
    body: createSchema,
    response: { status: 201, schema: createdSubscriptionAnswer },
    examples: [{
      name: "contacts_of_a_country",
      body: {
        label: "Data warehouse",
        description: "New and changed contacts",
        event_types: ["contact.*"],
        filter: { "payload.country": "DE" },
        config: {
          webhook_url: "https://hooks.example.com/contacts",
          headers: { "x-api-key": "the receiver's own key" },
          max_attempts: 8,
          rate_limit_per_second: 20,
          field_mappings: [{ op: "remove", path: "email" }],
        },
      },
      stands_for: { "/config/webhook_url": "webhook_url" },
    }, {
      name: "everything_in_batches",
      body: {
        label: "Archive",
        event_types: ["*"],
        config: {
          webhook_url: "https://hooks.example.com/archive",
          batch: { max_events: 100, max_wait_ms: 60000 },
          retry_schedule_seconds: [60, 600, 3600],
        },
      },
      stands_for: { "/config/webhook_url": "webhook_url" },
    }],
    handler: async ({ access, body }) => {
      await checkConfig(body.config, "config");
      const { config, headers } = splitHeaders(body.config);
      const { filter, filter_path } = compiled(body.filter);
      const signingSecret = generateSigningSecret(config.signature);
      const subscription = unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("create_event_subscription", {
          p_org_id: access.orgId as string,
          p_label: body.label,
          p_description: (body.description ?? null) as string,
          p_is_enabled: body.is_enabled,
          p_config: config as Json,
          p_headers: headers,
          p_event_types: body.event_types,
          p_filter: filter as Json,
          p_filter_path: filter_path as string,
          p_metadata: {},
          p_secret: signingSecret,
          p_actor: access.userId,
        }),
      );
      return Response.json(withSecret(subscription, signingSecret), { status: 201 });
    },
  }),
  route({
    method: "PATCH",
    path: "/",
    summary: "Changes subscriptions, all or none; configuration is merged setting by setting",
    auth: "user",
    permission: "integrations.manage",
    body: updateSchema,
    response: { status: 200, form: "list", schema: eventSubscriptionAnswer },
    examples: [{
      name: "other_events",
      body: {
        updates: [{
          id: "a5000000-0000-4000-8000-000000000001",
          event_types: ["contact.created", "contact.deleted"],
          filter: null,
          config: { ordering: "fifo", rate_limit_per_second: null },
        }],
      },
      stands_for: { "/updates/0/id": "subscription_id" },
    }],
    handler: async ({ access, body }) => {
      for (const [index, update] of body.updates.entries()) {
        await checkConfig(update.config, `updates.${index}.config`);
      }
      const updates = body.updates.map((update) => ({
        ...update,
        ...(update.config ? splitHeaders(update.config) : {}),
        ...(update.filter === undefined ? {} : compiled(update.filter)),
      }));
      const subscriptions = unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("update_event_subscriptions", {
          p_org_id: access.orgId as string,
          p_updates: updates as Json,
          p_actor: access.userId,
        }),
      );
      return Response.json({ data: subscriptions, next_cursor: null });
    },
  }),
];
