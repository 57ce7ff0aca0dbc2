import * as z from "zod";
import { hubClient } from "../_shared/db/clients.ts";
import { tenantDb } from "../_shared/db/tenant_db.ts";
import { unwrap } from "../_shared/db/unwrap.ts";
import { compileFilter, type Filter, filterSchema } from "../_shared/delivery/filter/compile_filter.ts";
import { eventTypePatternsSchema } from "../_shared/delivery/filter/event_type_patterns.ts";
import { InterlockError } from "../_shared/guardrails.ts";
import { route } from "../_shared/http/route.ts";
import { compiled } from "./subscription_schemas.ts";

const dryRunSchema = z.strictObject({
  event_types: eventTypePatternsSchema,
  filter: filterSchema.nullable().optional(),
  /** Whose events; left out: as the request is narrowed. */
  org_id: z.uuid().optional(),
  /** How many of the latest events to look at. */
  limit: z.number().int().min(1).max(1000).default(1000),
  /** Only this one, and why. */
  event_id: z.uuid().optional(),
});

const instant = () => z.iso.datetime({ offset: true });
const count = () => z.int().min(0);

const eventAnswer = () =>
  z.strictObject({
    id: z.uuid(),
    event_type: z.string(),
    entity_type: z.string(),
    entity_id: z.string(),
    org_id: z.uuid().nullable(),
    payload: z.record(z.string(), z.unknown()),
    metadata: z.strictObject({
      trace_id: z.string(),
      source: z.string(),
      actor: z.string().nullable(),
      timestamp: instant(),
    }),
  });

const dryRunAnswer = () =>
  z.strictObject({
    examined: count(),
    matched: count(),
    oldest_examined_at: instant().nullable(),
    events: z.array(eventAnswer()).describe("The latest ten that match."),
    explanation: z.strictObject({
      matches: z.boolean(),
      event_type_matches: z.boolean(),
      filter_matches: z.boolean(),
      failed_conditions: z.array(z.string()).describe("Keys of the filter that the event does not meet."),
    }).nullable().describe("Of the event that was asked for by its id."),
  });

/** Every condition of a filter by itself. */
function conditionsOf(filter: Filter | null | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(filter ?? {}).map(([key, value]) => [key, compileFilter({ [key]: value })]),
  );
}

export const dryRunRoutes = [
  route({
    method: "POST",
    path: "/dry-run",
    summary: "Says which of the latest events a subscription would have got, or why one would not",
    auth: "user",
    permission: "integrations.manage",
    body: dryRunSchema,
    response: { status: 200, schema: dryRunAnswer },
    examples: [{
      name: "contacts",
      body: { event_types: ["contact.*"], filter: { "payload.country": { $in: ["DE", "AT"] } }, limit: 500 },
    }],
    handler: async ({ access, body }) => {
      const orgId = body.org_id ?? access.orgId;
      if (access.orgId !== null && orgId !== access.orgId) {
        throw new InterlockError("NOT_FOUND", "This org does not exist.");
      }
      return Response.json(unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("dry_run_event_subscription", {
          p_org_id: orgId as string,
          p_event_types: body.event_types,
          p_filter_path: compiled(body.filter).filter_path as string,
          p_conditions: conditionsOf(body.filter),
          p_event_id: (body.event_id ?? null) as string,
          p_limit: body.limit,
          p_actor: access.userId,
        }),
      ));
    },
  }),
];
