import * as z from "zod";
import { hubClient } from "../_shared/db/clients.ts";
import type { Json } from "../_shared/db/database.types.ts";
import { tenantDb } from "../_shared/db/tenant_db.ts";
import { unwrap } from "../_shared/db/unwrap.ts";
import { InterlockError } from "../_shared/guardrails.ts";
import type { UserAccess } from "../_shared/http/access.ts";
import { NO_STORE } from "../_shared/http/no_store.ts";
import { route } from "../_shared/http/route.ts";
import { textSchema } from "../_shared/http/text_schema.ts";
import { pageQuerySchema } from "../_shared/http/keyset.ts";
import { newestFirst } from "../_shared/http/newest_first.ts";
import { TYPE_PATTERN } from "../_shared/inbound/wanted_elements.ts";
import { webhookProviders } from "../_shared/providers/registry.ts";
import type { WebhookSettings } from "../_shared/providers/webhook_scheme.ts";
import { changedWebhookAnswer, webhookAnswer, webhookSecretAnswer } from "./webhook_answers.ts";
import {
  checkedSecret,
  checkedSettings,
  chosenSecret,
  knownScheme,
  resource,
  rotatedSecret,
  secretResource,
} from "./webhook_input.ts";

const COLUMNS =
  "id, org_id, connector_id, provider, name, is_active, previous_secret_expires_at, signing_url, settings, event_types, rate_limit_per_second, through_app, deleted_at, created_by, created_at, updated_at";

const secretSchema = z.string().min(16).max(500).regex(/^[\x21-\x7e]+$/, "is printable ASCII without spaces");

/** What the provider's scheme must know besides the secret; docs/webhooks.md lists what each one takes. */
const settingsSchema = z.record(z.string(), z.unknown());

/** Types that a webhook wants; `contact.*` = all that begin with `contact.`. */
const eventTypesSchema = z.array(
  z.string().regex(TYPE_PATTERN, "is a type, or the beginning of one with * behind it"),
).min(1).max(100);

const createSchema = z.strictObject({
  provider: z.enum(webhookProviders),
  name: textSchema(200),
  /** A connector of this org that groups it: with the connector it is switched off. */
  connector_id: z.uuid().optional(),
  /** The provider's own secret (HubSpot: the app's client secret). Left out, we make one where the scheme allows. */
  secret: secretSchema.optional(),
  /** The URL the provider signs, when a proxy stands before the hub. */
  signing_url: z.url({ protocol: /^https?$/ }).max(2000).optional(),
  settings: settingsSchema.optional(),
  event_types: eventTypesSchema.optional(),
  /** Requests a second that each worker takes. Default: INTERLOCK_WEBHOOK_RATE_LIMIT. */
  rate_limit_per_second: z.number().int().min(1).max(10_000).optional(),
});

const listSchema = pageQuerySchema.extend({
  connector_id: z.uuid().optional(),
  deleted: z.enum(["true", "false"]).default("false"),
});

const updateSchema = z.strictObject({
  name: textSchema(200).optional(),
  /** Null = it leaves its connector. */
  connector_id: z.uuid().nullable().optional(),
  is_active: z.boolean().optional(),
  /** In place of all settings there were. */
  settings: settingsSchema.optional(),
  event_types: eventTypesSchema.optional(),
  /** Requests a second that each worker takes. Default: INTERLOCK_WEBHOOK_RATE_LIMIT. */
  rate_limit_per_second: z.number().int().min(1).max(10_000).optional(),
}).refine((body) => Object.keys(body).length > 0, "names nothing to change");

const rotateSchema = z.strictObject({
  secret: secretSchema.optional(),
  /** How long the old secret verifies beside the new one. Default: a day. */
  overlap_seconds: z.number().int().min(0).max(604800).default(86400),
});

/** New settings for a webhook: right for its scheme, and for the secret it has. */
async function newSettings(access: UserAccess, webhookId: string, given: WebhookSettings): Promise<Json> {
  const current = unwrap(
    await access.db.from("integration_webhooks").select("provider, secret_ref").eq("id", webhookId)
      .maybeSingle(),
  );
  if (current === null) throw new InterlockError("NOT_FOUND", "This webhook does not exist.");
  const scheme = await knownScheme(current.provider);
  const settings = checkedSettings(scheme, given);
  // What comes through an app is verified with the app's secret.
  if (current.secret_ref === null) return settings;
  const secret = unwrap(
    await tenantDb(access.tenantId, hubClient()).rpc("read_secret", { p_secret_ref: current.secret_ref }),
  );
  await checkedSecret(scheme, settings, secret);
  return settings;
}

export const webhookRoutes = [
  route({
    method: "GET",
    path: "/webhooks",
    summary: "Lists inbound webhooks, newest first",
    auth: "user",
    permission: "webhooks.read",
    org: "required",
    query: listSchema,
    response: { status: 200, form: "list", schema: webhookAnswer },
    examples: [{ name: "all" }, { name: "first_page", query: { limit: 1 } }],
    handler: async ({ access, query }) => {
      let select = access.db.from("integration_webhooks").select(COLUMNS);
      select = query.deleted === "true"
        ? select.not("deleted_at", "is", null)
        : select.is("deleted_at", null);
      if (query.connector_id) select = select.eq("connector_id", query.connector_id);
      const { rows, next_cursor } = await newestFirst(select, query);
      return Response.json({
        data: await Promise.all(rows.map(resource)),
        next_cursor,
      });
    },
  }),
  route({
    method: "POST",
    path: "/webhooks",
    summary: "Creates an inbound webhook; the answer shows its signing secret once",
    auth: "user",
    permission: "webhooks.manage",
    org: "required",
    body: createSchema,
    response: { status: 201, schema: webhookSecretAnswer },
    examples: [
      { name: "generic_hmac", body: { provider: "generic_hmac", name: "Shop orders" } },
      {
        name: "hubspot",
        body: {
          provider: "hubspot",
          name: "HubSpot contacts",
          secret: "the-client-secret-of-the-app",
          signing_url: "https://hooks.example.com/hubspot",
        },
      },
      {
        name: "with_settings",
        body: {
          provider: "generic_hmac",
          name: "Shop orders",
          settings: { header: "x-shop-signature", algorithm: "sha512", timestamp: { header: "x-shop-time" } },
        },
      },
    ],
    handler: async ({ access, body }) => {
      const scheme = await knownScheme(body.provider);
      const settings = checkedSettings(scheme, body.settings ?? {});
      const secret = await chosenSecret(scheme, settings, body.secret);
      const webhook = unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("create_webhook", {
          p_org_id: access.orgId as string,
          p_provider: body.provider,
          p_name: body.name,
          p_secret: secret,
          p_signing_url: (body.signing_url ?? null) as string,
          p_actor: access.userId,
          p_settings: settings,
          p_event_types: body.event_types,
          p_rate_limit_per_second: body.rate_limit_per_second,
          p_connector_id: body.connector_id,
        }),
      );
      return Response.json(await secretResource(webhook, secret), { status: 201, headers: NO_STORE });
    },
  }),
  route({
    method: "GET",
    path: "/webhooks/:webhook_id",
    summary: "Shows one inbound webhook",
    auth: "user",
    permission: "webhooks.read",
    org: "required",
    uuidParams: ["webhook_id"],
    response: { status: 200, schema: webhookAnswer },
    examples: [{ name: "one" }],
    handler: async ({ access, params }) => {
      const row = unwrap(
        await access.db.from("integration_webhooks").select(COLUMNS).eq("id", params.webhook_id!)
          .maybeSingle(),
      );
      if (row === null) throw new InterlockError("NOT_FOUND", "This webhook does not exist.");
      return Response.json(await resource(row));
    },
  }),
  route({
    method: "PATCH",
    path: "/webhooks/:webhook_id",
    summary: "Renames, activates, deactivates or configures an inbound webhook",
    auth: "user",
    permission: "webhooks.manage",
    org: "required",
    uuidParams: ["webhook_id"],
    body: updateSchema,
    response: { status: 200, schema: changedWebhookAnswer },
    errors: ["CONFLICT"],
    examples: [{ name: "renamed", body: { name: "Shop orders, north" } }, {
      name: "out_of_its_connector",
      body: { connector_id: null },
    }, {
      name: "paused",
      body: { is_active: false },
    }, {
      name: "other_header",
      body: { settings: { header: "x-shop-signature" } },
    }, {
      name: "only_orders",
      body: { event_types: ["order.*"] },
    }],
    handler: async ({ access, params, body }) => {
      const settings = body.settings && await newSettings(access, params.webhook_id!, body.settings);
      const webhook = unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("update_webhook", {
          p_org_id: access.orgId as string,
          p_webhook_id: params.webhook_id!,
          p_name: (body.name ?? null) as string,
          p_is_active: (body.is_active ?? null) as boolean,
          p_actor: access.userId,
          p_settings: settings ?? null,
          p_event_types: body.event_types,
          p_rate_limit_per_second: body.rate_limit_per_second,
          p_connector_id: body.connector_id ?? undefined,
          p_is_connector_given: body.connector_id !== undefined,
        }),
      );
      return Response.json(await resource(webhook));
    },
  }),
  route({
    method: "POST",
    path: "/webhooks/:webhook_id/rotate",
    summary: "Gives an inbound webhook a new secret, shown once; the old one verifies for the overlap",
    auth: "user",
    permission: "webhooks.manage",
    org: "required",
    uuidParams: ["webhook_id"],
    body: rotateSchema,
    response: { status: 200, schema: webhookSecretAnswer },
    errors: ["CONFLICT"],
    examples: [{ name: "a_day_of_both", body: {} }, {
      name: "an_hour_of_both",
      body: { overlap_seconds: 3600 },
    }],
    handler: async ({ access, params, body }) => {
      const current = unwrap(
        await access.db.from("integration_webhooks").select("provider, settings, through_app")
          .eq("id", params.webhook_id!).maybeSingle(),
      );
      if (current === null) throw new InterlockError("NOT_FOUND", "This webhook does not exist.");
      const secret = await rotatedSecret(current, body.secret);
      const webhook = unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("rotate_webhook_secret", {
          p_org_id: access.orgId as string,
          p_webhook_id: params.webhook_id!,
          p_secret: secret,
          p_overlap_seconds: body.overlap_seconds,
          p_actor: access.userId,
        }),
      );
      return Response.json(await secretResource(webhook, secret), { headers: NO_STORE });
    },
  }),
];
