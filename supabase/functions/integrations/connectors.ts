import * as z from "zod";
import { hubClient } from "../_shared/db/clients.ts";
import { hubStore } from "../_shared/db/store.ts";
import { tenantDb } from "../_shared/db/tenant_db.ts";
import { unwrap } from "../_shared/db/unwrap.ts";
import { InterlockError } from "../_shared/guardrails.ts";
import type { UserAccess } from "../_shared/http/access.ts";
import { decodeCursor, type ListedPage, pageAnswer, pageQuerySchema } from "../_shared/http/keyset.ts";
import { route } from "../_shared/http/route.ts";
import { textSchema } from "../_shared/http/text_schema.ts";
import { connectorTypes } from "../_shared/providers/connectors.ts";
import { connectorAnswer } from "./connector_answers.ts";
import {
  checkedConfig,
  checkedSecrets,
  knownConnector,
  needsNoSecrets,
  refuseOtherHosts,
} from "./connector_input.ts";

const objectSchema = z.record(z.string(), z.unknown());
const intervalSchema = z.number().int().min(60).max(604_800);

const createSchema = z.strictObject({
  type: z.enum(connectorTypes),
  name: textSchema(200),
  /** Settings of the type; docs/connectors lists them. */
  config: objectSchema.default({}),
  /** Credentials of the type. They go to Vault and never come back. */
  secrets: objectSchema.optional(),
  /** Left out: active as soon as it has the credentials it needs. */
  is_active: z.boolean().optional(),
  sync_interval_seconds: intervalSchema.optional(),
});

const updateSchema = z.strictObject({
  name: textSchema(200).optional(),
  /** In place of all settings there were. */
  config: objectSchema.optional(),
  /** In place of all credentials there were. */
  secrets: objectSchema.optional(),
  is_active: z.boolean().optional(),
  /** null = only when asked for. */
  sync_interval_seconds: intervalSchema.nullable().optional(),
}).refine((body) => Object.keys(body).length > 0, "names nothing to change");

const listSchema = pageQuerySchema.extend({
  type: z.enum(connectorTypes).optional(),
  status: z.enum(["inactive", "active", "error"]).optional(),
});

/** One connector as the caller may see it. */
async function visibleConnector(access: UserAccess, connectorId: string) {
  const row = unwrap(
    await access.db.from("integration_connectors").select("id, type, status, config, secret_ref")
      .eq("id", connectorId).maybeSingle(),
  );
  if (row === null) throw unknownConnector();
  return row;
}

function unknownConnector(): InterlockError {
  return new InterlockError("NOT_FOUND", "This connector does not exist.");
}

export const connectorRoutes = [
  route({
    method: "GET",
    path: "/connectors",
    summary: "Lists connectors with their state and health, newest first",
    auth: "user",
    permission: "connectors.read",
    org: "required",
    query: listSchema,
    response: { status: 200, form: "list", schema: connectorAnswer },
    examples: [{ name: "all" }, { name: "those_in_error", query: { status: "error" } }],
    handler: async ({ access, query }) => {
      const after = decodeCursor(query.cursor);
      const listed = await hubStore().call<ListedPage>("list_connectors", {
        p_tenant_id: access.tenantId,
        p_org_id: access.orgId,
        p_type: query.type ?? null,
        p_status: query.status ?? null,
        p_after_at: after?.at ?? null,
        p_after_id: after?.id ?? null,
        p_limit: query.limit,
      });
      return Response.json(pageAnswer(listed));
    },
  }),
  route({
    method: "POST",
    path: "/connectors",
    summary: "Creates a connector; its credentials go to Vault in the same call",
    auth: "user",
    permission: "connectors.manage",
    org: "required",
    body: createSchema,
    response: { status: 201, schema: connectorAnswer },
    examples: [{ name: "webhooks_of_a_shop", body: { type: "webhook", name: "Shop" } }],
    handler: async ({ access, body }) => {
      const definition = await knownConnector(body.type);
      const config = await checkedConfig(definition, body.config);
      const secrets = body.secrets === undefined ? null : checkedSecrets(definition, body.secrets);
      const isComplete = secrets !== null || needsNoSecrets(definition);
      if (body.is_active && !isComplete) {
        throw new InterlockError("VALIDATION_FAILED", "is_active: it has no credentials yet.");
      }
      const connector = unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("create_connector", {
          p_org_id: access.orgId as string,
          p_type: body.type,
          p_name: body.name,
          p_config: config,
          p_secrets: secrets as string,
          p_is_active: body.is_active ?? isComplete,
          p_sync_interval_seconds: (body.sync_interval_seconds ?? null) as number,
          p_actor: access.userId,
        }),
      );
      return Response.json(connector, { status: 201 });
    },
  }),
  route({
    method: "GET",
    path: "/connectors/:connector_id",
    summary: "Shows one connector",
    auth: "user",
    permission: "connectors.read",
    org: "required",
    uuidParams: ["connector_id"],
    response: { status: 200, schema: connectorAnswer },
    examples: [{ name: "one" }],
    handler: async ({ access, params }) => {
      await visibleConnector(access, params.connector_id!);
      const connector = unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("get_connector", {
          p_connector_id: params.connector_id!,
        }),
      );
      // Deleted since it was seen.
      if (connector === null) throw unknownConnector();
      return Response.json(connector);
    },
  }),
  route({
    method: "PATCH",
    path: "/connectors/:connector_id",
    summary: "Renames, configures, activates or deactivates a connector, or replaces its credentials",
    auth: "user",
    permission: "connectors.manage",
    org: "required",
    uuidParams: ["connector_id"],
    body: updateSchema,
    response: { status: 200, schema: connectorAnswer },
    errors: ["CONFLICT"],
    examples: [
      { name: "renamed", body: { name: "Shop, north" } },
      { name: "every_hour", body: { sync_interval_seconds: 3600 } },
      { name: "paused", body: { is_active: false } },
    ],
    handler: async ({ access, params, body }) => {
      const current = await visibleConnector(access, params.connector_id!);
      const { config, secrets, is_active: isActive } = body;
      const isToBeChecked = config !== undefined || secrets !== undefined || isActive === true;
      const definition = isToBeChecked ? await knownConnector(current.type) : undefined;
      const isComplete = current.secret_ref !== null || secrets !== undefined;
      if (isActive && !isComplete && !needsNoSecrets(definition!)) {
        throw new InterlockError("VALIDATION_FAILED", "is_active: it has no credentials yet.");
      }
      const settings = config === undefined ? null : await checkedConfig(definition!, config);
      const keepsSecrets = current.secret_ref !== null && secrets === undefined;
      const mayNotMove = settings !== null && keepsSecrets && definition!.addresses !== undefined;
      if (mayNotMove) refuseOtherHosts(definition!, current.config, JSON.parse(settings));
      const connector = unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("update_connector", {
          p_org_id: access.orgId as string,
          p_connector_id: params.connector_id!,
          p_name: (body.name ?? null) as string,
          p_config: settings as string,
          p_config_seen: (mayNotMove ? JSON.stringify(current.config) : null) as string,
          p_secrets: (secrets === undefined ? null : checkedSecrets(definition!, secrets)) as string,
          p_is_active: (isActive ?? null) as boolean,
          p_sync_interval_seconds: (body.sync_interval_seconds ?? null) as number,
          p_is_interval_given: body.sync_interval_seconds !== undefined,
          p_actor: access.userId,
        }),
      );
      return Response.json(connector);
    },
  }),
  route({
    method: "DELETE",
    path: "/connectors/:connector_id",
    summary: "Deletes a connector with its credentials, runs and what it synced; logs and events stay",
    auth: "user",
    permission: "connectors.manage",
    org: "required",
    uuidParams: ["connector_id"],
    response: { status: 200, schema: connectorAnswer },
    errors: ["CONFLICT"],
    examples: [{ name: "one" }],
    handler: async ({ access, params }) => {
      const connector = unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("delete_connector", {
          p_org_id: access.orgId as string,
          p_connector_id: params.connector_id!,
          p_actor: access.userId,
        }),
      );
      return Response.json(connector);
    },
  }),
];
