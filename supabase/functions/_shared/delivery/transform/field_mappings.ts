import * as z from "zod";
import { parseDottedPath, PathError } from "../../json/dotted_path.ts";
import { TransformError } from "./transform_error.ts";

/** Most operations in `field_mappings`, and most paths of one `keep`. */
export const MAX_MAPPINGS = 50;
/** Largest value of an `add`, as JSON, in bytes. */
export const MAX_CONSTANT_BYTES = 4096;
/** Levels of objects and arrays in the value of an `add`. */
export const MAX_CONSTANT_DEPTH = 8;

const pathSchema = z.string().superRefine((text, context) => {
  try {
    parseDottedPath(text);
  } catch (error) {
    if (!(error instanceof PathError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
  }
});

const constantSchema = z.unknown().refine(
  (value) => isJson(value, 0) && new TextEncoder().encode(JSON.stringify(value)).length <= MAX_CONSTANT_BYTES,
  `The value to add is JSON of at most ${MAX_CONSTANT_BYTES} bytes and ${MAX_CONSTANT_DEPTH} levels.`,
);

/** One operation on the payload's `data`. */
export const fieldMappingSchema = z.discriminatedUnion("op", [
  z.strictObject({ op: z.literal("add"), path: pathSchema, value: constantSchema }),
  z.strictObject({ op: z.literal("remove"), path: pathSchema }),
  z.strictObject({ op: z.literal("rename"), from: pathSchema, to: pathSchema }),
  z.strictObject({ op: z.literal("keep"), paths: z.array(pathSchema).min(1).max(MAX_MAPPINGS) }),
]);

/** The `field_mappings` setting: operations in the order in which they are done. */
export const fieldMappingsSchema = z.array(fieldMappingSchema).max(
  MAX_MAPPINGS,
  `There are at most ${MAX_MAPPINGS} field mappings; use a transformation for more.`,
);

export type FieldMapping = z.infer<typeof fieldMappingSchema>;
type Data = Record<string, unknown>;

/**
 * Does the operations on a copy of the data. What an operation looks for and does not find is left as it is.
 *
 * @throws {TransformError} when a field is to be put inside something that is not an object.
 */
export function mapFields(mappings: readonly FieldMapping[], data: Data): Data {
  let mapped = structuredClone(data);
  for (const mapping of mappings) mapped = apply(mapping, mapped);
  return mapped;
}

function apply(mapping: FieldMapping, data: Data): Data {
  switch (mapping.op) {
    case "add":
      put(data, mapping.path, structuredClone(mapping.value));
      return data;
    case "remove":
      take(data, mapping.path);
      return data;
    case "rename": {
      const taken = take(data, mapping.from);
      if (taken) put(data, mapping.to, taken.value);
      return data;
    }
    case "keep":
      return keep(data, mapping.paths);
  }
}

function keep(data: Data, paths: string[]): Data {
  const kept: Data = {};
  // The shorter first: a field that is kept whole takes what is inside it along.
  for (const path of paths.toSorted((a, b) => parseDottedPath(a).length - parseDottedPath(b).length)) {
    const names = parseDottedPath(path);
    const found = parentOf(data, names);
    const name = names.at(-1)!;
    if (found && Object.hasOwn(found, name)) put(kept, path, found[name]);
  }
  return kept;
}

function take(data: Data, path: string): { value: unknown } | null {
  const names = parseDottedPath(path);
  const parent = parentOf(data, names);
  const name = names.at(-1)!;
  if (!parent || !Object.hasOwn(parent, name)) return null;
  const value = parent[name];
  delete parent[name];
  return { value };
}

/** The object that holds the last name, or null. Arrays have no names. */
function parentOf(data: Data, names: string[]): Data | null {
  let at: unknown = data;
  for (const name of names.slice(0, -1)) {
    if (!isObject(at) || !Object.hasOwn(at, name)) return null;
    at = at[name];
  }
  return isObject(at) ? at : null;
}

function put(data: Data, path: string, value: unknown): void {
  const names = parseDottedPath(path);
  let at = data;
  for (const name of names.slice(0, -1)) {
    const next = Object.hasOwn(at, name) ? at[name] : at[name] = {};
    if (!isObject(next)) {
      throw new TransformError(
        `The field mapping to ${path} meets something that is not an object on its way.`,
      );
    }
    at = next;
  }
  at[names.at(-1)!] = value;
}

function isObject(value: unknown): value is Data {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isJson(value: unknown, depth: number): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || depth >= MAX_CONSTANT_DEPTH) return false;
  return Object.values(value).every((item) => isJson(item, depth + 1));
}
