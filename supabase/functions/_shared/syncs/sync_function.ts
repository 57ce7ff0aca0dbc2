import * as z from "zod";

import { callerOf } from "../http/access.ts";
import { createFunction, type EdgeFunction } from "../http/create_function.ts";
import { route } from "../http/route.ts";
import { errorFields } from "../log.ts";
import type { PlainJson } from "../providers/source.ts";
import type { SyncedConnector } from "../providers/synced_connector.ts";
import { keepAlive } from "../runtime.ts";
import { runSchema } from "../sync/run_answer.ts";
import { startSync } from "../sync/start_sync.ts";
import { workOn } from "../sync/work_on.ts";
import { testRoute } from "./test_route.ts";

/** What a sync function reads, and what may be asked of it beyond connector and mode. */
export interface SyncFunction<Fields extends z.ZodRawShape> {
  name: string;
  summary: string;
  /** Kinds of connector it syncs; others are not found. */
  connectors: SyncedConnector[];
  /** Further fields of the body, for example folder_id. */
  fields: Fields;
  /** Streams and parameters of a run; streams null = all that the connector's settings name. */
  wish(fields: z.infer<z.ZodObject<Fields>>): {
    streams: string[] | null;
    parameters: { [name: string]: PlainJson };
  };
  /** Values of the further fields, as an example. */
  exampleFields: Record<string, unknown>;
}

const runOnlySchema = z.strictObject({ run_id: z.uuid() });

/**
 * A function that syncs connectors of one kind: people and machines start a sync and get its state after the first
 * slice; the database calls for each further slice by the run's id. `integrations` has connectors tested by it.
 */
export function syncFunction<Fields extends z.ZodRawShape>(options: SyncFunction<Fields>): EdgeFunction {
  const { name, connectors } = options;
  const startSchema = z.strictObject({
    connector_id: z.uuid(),
    /** For machines, which belong to no workspace. */
    tenant_id: z.uuid().optional(),
    sync_mode: z.enum(["incremental", "full"]).default("incremental"),
    /** With full: deletes what is gone even when more than half would go. */
    accept_deletions: z.boolean().default(false),
    ...options.fields,
  });
  return createFunction({
    name,
    routes: [
      route({
        method: "POST",
        path: "/",
        summary: options.summary,
        auth: "user_or_service",
        permission: "connectors.sync",
        body: startSchema,
        response: { status: 200, schema: () => runSchema },
        errors: ["NOT_FOUND", "SYNC_RUNNING", "CONNECTOR_INACTIVE", "RECONNECT_NEEDED"],
        examples: [{
          name: "what_changed",
          body: { connector_id: EXAMPLE_ID, ...options.exampleFields },
          stands_for: { "/connector_id": `${name.replaceAll("-", "_")}_connector_id` },
        }],
        handler: async ({ access, body, requestId, log }) => {
          const given = body as StartBody & z.infer<z.ZodObject<Fields>>;
          const caller = callerOf(access, given);
          const { streams, parameters } = options.wish(given);
          const run = await startSync({
            tenantId: caller.tenantId,
            orgId: caller.orgId,
            userId: caller.userId,
            connectorId: given.connector_id,
            streams,
            mode: given.sync_mode,
            parameters: given.accept_deletions ? { ...parameters, accept_deletions: true } : parameters,
            functionName: name,
            types: connectors.map(({ definition }) => definition.type),
            isRung: false,
            requestId,
          });
          const worked = await workOn(run.run_id, name, connectors, log) ?? run;
          return Response.json(worked);
        },
      }),
      route({
        method: "POST",
        path: "/slice",
        summary: "Takes the next slice of a run; answers at once and works on",
        auth: "service",
        body: runOnlySchema,
        response: {
          status: 202,
          schema: () => z.object({ accepted: z.literal(true) }),
        },
        examples: [{ name: "next_slice", body: { run_id: EXAMPLE_ID } }],
        handler: ({ body, log }) => {
          const work = workOn(body.run_id, name, connectors, log);
          // Nothing is lost: the lease runs out, and the schedule calls again.
          keepAlive(
            work.catch((error) => log.error("slice failed", { run_id: body.run_id, ...errorFields(error) })),
          );
          return Response.json({ accepted: true }, { status: 202 });
        },
      }),
      testRoute(name, connectors),
    ],
  });
}

const EXAMPLE_ID = "c0000000-0000-4000-8000-000000000001";

interface StartBody {
  connector_id: string;
  tenant_id?: string;
  sync_mode: "incremental" | "full";
  accept_deletions: boolean;
}
