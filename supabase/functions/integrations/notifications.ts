import * as z from "zod";
import { pageQuerySchema } from "../_shared/http/keyset.ts";
import { newestFirst } from "../_shared/http/newest_first.ts";
import { route } from "../_shared/http/route.ts";

const SEVERITIES = ["info", "warning", "error"] as const;

const notificationAnswer = () =>
  z.strictObject({
    id: z.uuid(),
    kind: z.string().describe("For example integration.failing, integration.recovered."),
    severity: z.enum(SEVERITIES),
    message: z.string(),
    subject_type: z.string(),
    subject_id: z.string(),
    details: z.record(z.string(), z.unknown()),
    created_at: z.iso.datetime({ offset: true }),
  });

export const notificationRoutes = [
  route({
    method: "GET",
    path: "/notifications",
    summary: "Lists what admins should know, once per change of state, newest first",
    auth: "user",
    permission: "integrations.read",
    query: pageQuerySchema.extend({
      severity: z.enum(SEVERITIES).optional(),
      subject_id: z.string().max(200).optional(),
    }),
    response: { status: 200, form: "list", schema: notificationAnswer },
    examples: [
      { name: "all", needs: ["notification_id"] },
      { name: "warnings", query: { severity: "warning" }, needs: ["notification_id"] },
    ],
    handler: async ({ access, query }) => {
      let select = access.db.from("notifications").select(
        "id, kind, severity, message, subject_type, subject_id, details, created_at",
      );
      if (query.severity !== undefined) select = select.eq("severity", query.severity);
      if (query.subject_id !== undefined) select = select.eq("subject_id", query.subject_id);
      const { rows, next_cursor } = await newestFirst(select, query);
      return Response.json({
        data: rows,
        next_cursor,
      });
    },
  }),
];
