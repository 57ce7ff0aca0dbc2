import type * as z from "zod";
import { InterlockError } from "../errors/interlock_error.ts";

const MAX_ISSUES = 20;

/** A field of a request that its schema found right, and that is wrong all the same. */
export function fieldRefused(field: string, message: string, cause?: unknown): InterlockError {
  return new InterlockError("VALIDATION_FAILED", `${field}: ${message}`, {
    cause,
    details: { issues: [{ path: field, message }] },
  });
}

/**
 * A value as its schema gives it.
 *
 * @param field - where the value stands in the request, for example "config"; left out = it is the whole of it.
 * @throws {InterlockError} VALIDATION_FAILED naming the first field that is wrong, with `details.issues`; never a value.
 */
export function validated<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  field?: string,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, MAX_ISSUES).map(({ path, message }) => ({
    path: (field === undefined ? path : [field, ...path]).join("."),
    message,
  }));
  throw new InterlockError(
    "VALIDATION_FAILED",
    `${issues[0]?.path || "The request"}: ${issues[0]?.message}`,
    { details: { issues } },
  );
}
