import * as z from "zod";
import { base64Encode, hexDecode } from "../_shared/crypto/encoding.ts";
import { hubClient } from "../_shared/db/clients.ts";
import { tenantDb } from "../_shared/db/tenant_db.ts";
import { unwrap } from "../_shared/db/unwrap.ts";
import { InterlockError } from "../_shared/guardrails.ts";
import { route } from "../_shared/http/route.ts";
import type { UserAccess } from "../_shared/http/access.ts";
import { decodeCursor, pageAnswer, pageQuerySchema } from "../_shared/http/keyset.ts";
import { instantSchema } from "../_shared/deliveries/log_query.ts";
import type { Json } from "../_shared/db/store.ts";
import { elementTypeSchema } from "./dead_letters.ts";
import { receiptAnswer, receiptDetailAnswer, replayAnswer } from "./webhook_answers.ts";

const COLUMNS =
  "id, webhook_id, provider, request_id, content_type, body_bytes, event_count, duplicate_count, received_at";

export async function requireWebhook(access: UserAccess, webhookId: string): Promise<void> {
  const webhook = unwrap(
    await access.db.from("integration_webhooks").select("id").eq("id", webhookId).maybeSingle(),
  );
  if (webhook === null) throw new InterlockError("NOT_FOUND", "This webhook does not exist.");
}

const listSchema = pageQuerySchema.extend({
  from: instantSchema.optional(),
  to: instantSchema.optional(),
  duplicates: z.enum(["true", "false"]).optional(),
  type: elementTypeSchema.optional(),
  outcome: z.enum(["pending", "failing", "dead", "done"]).optional(),
});

const stateSchema = z.object({
  is_test: z.boolean(),
  pending: z.number(),
  failing: z.number(),
  dead: z.number(),
  done: z.number(),
});
const statesSchema = z.record(z.string(), stateSchema);

const pageSchema = z.object({
  ids: z.array(z.string()),
  next: z.object({ at: z.string(), id: z.string() }).nullable(),
  states: statesSchema,
});

function withState<Row>(access: UserAccess, row: Row, state: z.infer<typeof stateSchema> | undefined) {
  const { is_test: isTest = false, ...outcomes } = state ?? { pending: 0, failing: 0, dead: 0, done: 0 };
  return {
    ...row,
    is_test: isTest,
    outcomes: access.permissions.includes("deliveries.read") ? outcomes : null,
  };
}

/** The service finds the rows, because filters look behind receipts; they are read with the user's rights. */
async function receiptPage(access: UserAccess, webhookId: string, query: z.infer<typeof listSchema>) {
  const { limit, cursor, ...filter } = query;
  const page = pageSchema.parse(unwrap(
    await tenantDb(access.tenantId, hubClient()).rpc("list_webhook_receipts", {
      p_webhook_id: webhookId,
      p_filter: filter as Json,
      p_limit: limit,
      p_after: decodeCursor(cursor) as Json,
    }),
  ));
  const visible = page.ids.length === 0
    ? []
    : unwrap(await access.db.from("webhook_receipts").select(COLUMNS).in("id", page.ids));
  const rows = new Map(visible.map((row) => [row.id, row]));
  return pageAnswer({
    data: page.ids.flatMap((id) => rows.get(id) ?? []).map((row) =>
      withState(access, row, page.states[row.id])
    ),
    next: page.next,
  });
}

async function receiptStates(access: UserAccess, receiptIds: string[]) {
  const states = await tenantDb(access.tenantId, hubClient())
    .rpc("webhook_receipt_states", { p_receipt_ids: receiptIds });
  return statesSchema.parse(unwrap(states));
}

export const receiptRoutes = [
  route({
    method: "GET",
    path: "/webhooks/:webhook_id/receipts",
    summary: "Lists what a webhook received, newest first",
    auth: "user",
    permission: "webhooks.read",
    org: "required",
    uuidParams: ["webhook_id"],
    query: listSchema,
    response: { status: 200, form: "list", schema: receiptAnswer },
    examples: [
      { name: "all", needs: ["receipt_id"] },
      { name: "first_page", query: { limit: 1 }, needs: ["receipt_id"] },
      { name: "dead", query: { outcome: "dead" }, needs: ["dead_dispatch_id"] },
      {
        name: "without_news_in_part",
        query: { duplicates: "false", from: "2020-01-01T00:00:00Z" },
        needs: ["receipt_id"],
      },
    ],
    handler: async ({ access, params, query }) => {
      await requireWebhook(access, params.webhook_id!);
      return Response.json(await receiptPage(access, params.webhook_id!, query));
    },
  }),
  route({
    method: "GET",
    path: "/webhooks/:webhook_id/receipts/:receipt_id",
    summary: "Shows one receipt with its headers, body and what became of its events",
    auth: "user",
    permission: "webhooks.read",
    org: "required",
    uuidParams: ["webhook_id", "receipt_id"],
    response: { status: 200, schema: receiptDetailAnswer },
    examples: [{ name: "one" }],
    handler: async ({ access, params }) => {
      const receipt = unwrap(
        await access.db.from("webhook_receipts").select(COLUMNS)
          .eq("webhook_id", params.webhook_id!).eq("id", params.receipt_id!).maybeSingle(),
      );
      if (receipt === null) throw new InterlockError("NOT_FOUND", "This receipt does not exist.");
      const content = unwrap(
        await access.db.from("webhook_receipt_bodies").select("headers, body").eq("receipt_id", receipt.id)
          .maybeSingle(),
      );
      const states = await receiptStates(access, [receipt.id]);
      const body = content === null ? null : hexDecode(String(content.body).replace(/^\\x/, ""));
      return Response.json({
        ...withState(access, receipt, states[receipt.id]),
        headers: content === null ? null : JSON.parse(content.headers),
        body_base64: body === null ? null : base64Encode(body),
        body_text: body === null ? null : textOrNull(body),
        events: await eventsOf(access, receipt.id),
      });
    },
  }),
  route({
    method: "POST",
    path: "/webhooks/:webhook_id/receipts/:receipt_id/replay",
    summary: "Sends a receipt's events through their consumers again",
    auth: "user",
    permission: "deliveries.replay",
    org: "required",
    uuidParams: ["webhook_id", "receipt_id"],
    response: { status: 202, schema: replayAnswer },
    examples: [{ name: "again" }],
    handler: async ({ access, params }) => {
      const replayed = unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("replay_webhook_receipt", {
          p_org_id: access.orgId as string,
          p_webhook_id: params.webhook_id!,
          p_receipt_id: params.receipt_id!,
          p_actor: access.userId,
        }),
      );
      return Response.json({ replayed }, { status: 202 });
    },
  }),
];

/** At most 1000 elements per receipt, read in pages below the row limit of PostgREST. */
async function eventsOf(access: UserAccess, receiptId: string) {
  return unwrap(
    await access.db.from("integration_events_outbox").select(
      "id, event_type, payload, created_at, event_dispatches(id, consumer, status, attempts, last_error_code, last_error, next_attempt_at, finished_at)",
    )
      .eq("receipt_id", receiptId).order("created_at").order("id").limit(200),
  );
}

function textOrNull(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
