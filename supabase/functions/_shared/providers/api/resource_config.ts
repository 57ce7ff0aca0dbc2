import * as z from "zod";
import { parseDottedPath, PathError } from "../../json/dotted_path.ts";
import { expressionText, parameterName } from "./setting_texts.ts";

const MAX_FIELDS = 50;
const MAX_PARAMETERS = 30;
const MAX_JSON_CHARS = 10_000;

/** Where a parameter goes; a name in the body may be a path such as `page.after`. */
const place = () => z.enum(["query", "body"]).default("query");

const size = {
  /** Parameter that asks for so many records a page; left out = the API's own size. */
  size_parameter: parameterName().optional(),
  size: z.int().min(1).max(1000).default(100),
};

/** How the next page is asked for. */
const paginationSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("none") }),
  z.strictObject({
    kind: z.literal("cursor"),
    /** Over the answer: what to send to get the next page; nothing = there is none. */
    next: expressionText(),
    parameter: parameterName(),
    in: place(),
    ...size,
  }),
  z.strictObject({
    kind: z.literal("link"),
    /** Over the answer: address of the next page; left out = `Link: <...>; rel="next"` of RFC 8288. */
    next: expressionText().optional(),
    ...size,
  }),
  z.strictObject({
    kind: z.literal("page"),
    parameter: parameterName().default("page"),
    first: z.int().min(0).max(1).default(1),
    in: place(),
    ...size,
  }),
  z.strictObject({
    kind: z.literal("offset"),
    parameter: parameterName().default("offset"),
    in: place(),
    ...size,
  }),
]);

const incrementalSchema = z.strictObject({
  /** Gets the instant since which changes are asked for. */
  parameter: parameterName(),
  in: place(),
  format: z.enum(["iso", "epoch_s", "epoch_ms"]).default("iso"),
  /** Asks for so much more than would be needed if all clocks and writes were in order. */
  lookback_s: z.int().min(0).max(7 * 86_400).default(60),
});

const scalar = z.union([z.string().max(2000), z.int(), z.boolean()]);

/** One kind of thing that the API lists. */
export const resourceSchema = z.strictObject({
  path: z.string().max(500).regex(/^[^?#\\\s]*$/, "is a path without query; parameters go into query"),
  method: z.enum(["GET", "POST"]).default("GET"),
  query: z.record(z.string().min(1).max(100), scalar).refine(atMost(MAX_PARAMETERS), tooMany("parameters"))
    .default({}),
  /** What a POST sends, as JSON. */
  body: z.record(z.string(), z.json()).refine(
    (body) => JSON.stringify(body).length <= MAX_JSON_CHARS,
    `A body has at most ${MAX_JSON_CHARS} characters.`,
  ).optional(),
  /** Over the answer: the list of records. */
  records: expressionText(),
  /** Over a record: its identifier, a text or a whole number. */
  id: expressionText().default("id"),
  /** Over a record, by name: what is kept of it; left out = all of it. */
  fields: z.record(
    z.string().regex(/^[A-Za-z0-9_]{1,60}$/, "is 1 to 60 letters, digits and _"),
    expressionText(),
  )
    .refine(atMost(MAX_FIELDS), tooMany("fields")).optional(),
  /** Over a record: when it was changed last. */
  updated_at: expressionText().optional(),
  /** Word before .created, .updated and .deleted in its events; left out = the name of the resource. */
  entity_type: z.string().regex(/^[a-z][a-z0-9_]{0,49}$/, "is 1 to 50 of a-z, 0-9 and _").optional(),
  pagination: paginationSchema.prefault({ kind: "none" }),
  /** Over the answer: false = this was the last page, whatever else it says. */
  more: expressionText().optional(),
  /** Over the answer: how many records there are in all. */
  total: expressionText().optional(),
  incremental: incrementalSchema.optional(),
  /** full_pass: what a read of everything does not bring is gone. deleted: true over a record that is gone. */
  deletions: z.union([
    z.enum(["full_pass", "none"]),
    z.strictObject({ deleted: expressionText() }),
  ]).default("none"),
}).superRefine((resource, context) => {
  const refuse = (path: string[], message: string) => context.addIssue({ code: "custom", path, message });
  if (resource.method === "GET" && resource.body) refuse(["body"], "Only a POST has a body.");
  if (resource.incremental && !resource.updated_at) {
    refuse(["updated_at"], "Changes are asked for since the newest updated_at; say where a record has it.");
  }
  const { pagination, incremental } = resource;
  checkPlace(["pagination"], "in" in pagination ? pagination : {}, resource.method, refuse);
  checkPlace(["incremental"], incremental ?? {}, resource.method, refuse);
});

export type ResourceConfig = z.output<typeof resourceSchema>;
export type PaginationConfig = ResourceConfig["pagination"];

function checkPlace(
  at: string[],
  setting: { in?: "query" | "body"; parameter?: string; size_parameter?: string },
  method: "GET" | "POST",
  refuse: (path: string[], message: string) => void,
): void {
  if (setting.in !== "body") return;
  if (method === "GET") refuse([...at, "in"], "Only a POST has a body.");
  for (const name of ["parameter", "size_parameter"] as const) {
    const path = setting[name];
    const problem = path === undefined ? null : pathProblem(path);
    if (problem !== null) refuse([...at, name], problem);
  }
}

function pathProblem(path: string): string | null {
  try {
    parseDottedPath(path);
    return null;
  } catch (error) {
    if (error instanceof PathError) return error.message;
    throw error;
  }
}

function atMost(count: number): (values: object) => boolean {
  return (values) => Object.keys(values).length <= count;
}

function tooMany(what: string): string {
  return `There are too many ${what}; leave out what is not needed.`;
}
