import * as z from "zod";

const instant = () => z.iso.datetime({ offset: true });
const count = () => z.int().min(0);

const total = () => ({
  total: count().describe("How many there were when it was asked for."),
  total_is_exact: z.boolean().describe("false = more than total: counting stops after 20000 rows."),
});

/** What a replay would do. */
export const previewAnswer = () =>
  z.strictObject({
    ...total(),
    replayed: count().describe("Deliveries that would be sent again."),
    missed: count().describe("Events that were never queued for the subscription and would be."),
  });

/** A replay in bulk. */
export const replayAnswer = () =>
  z.strictObject({
    id: z.uuid(),
    mode: z.enum(["replay", "recover"]),
    integration_id: z.uuid().nullable(),
    filter: z.record(z.string(), z.unknown()),
    state: z.enum(["running", "done", "cancelled", "failed"]),
    ...total(),
    done: count().describe("How many it has queued."),
    examined: count().describe("Rows it has looked at."),
    reached_at: instant().nullable().describe("How far it came: what it looked at last is of this instant."),
    last_error: z.string().nullable(),
    created_by: z.uuid().nullable(),
    created_at: instant(),
    finished_at: instant().nullable(),
  });
