import { z } from "zod";
import type { WebhookPayload } from "../contract.ts";
import { type CompiledExpression, compileExpression } from "./expression.ts";
import { fieldMappingsSchema, mapFields } from "./field_mappings.ts";
import { TRANSFORM_LIMITS as LIMITS } from "./limits.ts";
import { TransformError } from "./transform_error.ts";

/** Expressions kept ready; the one used longest ago leaves. */
const KEPT_EXPRESSIONS = 64;
/** After this much transforming others get a turn of the event loop. */
const BREATHE_AFTER_MS = 8;

/** The settings of a subscription that change its payload. `checkTransformation` says whether the text is good. */
export const transformSettingsSchema = z.object({
  field_mappings: fieldMappingsSchema.nullish(),
  transformation: z.string().min(1).max(LIMITS.expressionChars).nullish(),
});

export type TransformSettings = z.infer<typeof transformSettingsSchema>;

const expressions = new Map<string, Promise<CompiledExpression>>();
let lastTurn: Promise<unknown> = Promise.resolve();
let busySinceMs: number | null = null;

/**
 * What a subscription wants to get of a payload: first the field mappings, in their order, then the expression over
 * what they left. Type and timestamp stay. The same payload gives the same result on every machine and at any time.
 *
 * @throws {TransformError} for whatever goes wrong; its sentence holds no value of the payload.
 */
export async function transformPayload(
  settings: TransformSettings,
  payload: WebhookPayload,
): Promise<WebhookPayload> {
  const mappings = settings.field_mappings ?? [];
  const text = settings.transformation ?? null;
  if (mappings.length === 0 && text === null) return payload;
  if (jsonBytes(payload) > LIMITS.inputBytes) {
    throw new TransformError(
      `The payload is larger than ${LIMITS.inputBytes} bytes; it cannot be transformed.`,
    );
  }
  const mapped = { ...payload, data: mapFields(mappings, payload.data) };
  const data = text === null ? mapped.data : await inTurn(() => evaluated(text, mapped));
  const transformed = { ...payload, data };
  if (jsonBytes(transformed) > LIMITS.outputBytes) {
    throw new TransformError(
      `The transformed payload is larger than ${LIMITS.outputBytes} bytes; send less.`,
    );
  }
  return transformed;
}

/** What is wrong with an expression, as a sentence for whoever wrote it; null = it can be saved. */
export async function checkTransformation(text: string): Promise<string | null> {
  try {
    await compileExpression(text);
    return null;
  } catch (error) {
    if (error instanceof TransformError) return error.message;
    throw error;
  }
}

async function evaluated(text: string, payload: WebhookPayload): Promise<Record<string, unknown>> {
  const expression = await compiled(text);
  const { type, timestamp, data } = payload;
  const result = await expression.evaluate({ type, timestamp, data });
  if (typeof result !== "object" || result === null || Array.isArray(result) || holdsFunction(result)) {
    throw new TransformError(
      "The expression gives something that is not an object; data of a webhook is one.",
    );
  }
  // Leaves JSONata's marks behind and gives plain objects; its size was bounded while it grew.
  return JSON.parse(JSON.stringify(result));
}

/** A function cannot be sent, and JSON would show what is inside it. */
function holdsFunction(value: unknown): boolean {
  if (typeof value === "function") return true;
  if (typeof value !== "object" || value === null) return false;
  if ("_jsonata_lambda" in value || "_jsonata_function" in value) return true;
  // An array of JSONata's has marks and a push of its own beside its items.
  return (Array.isArray(value) ? value : Object.values(value)).some(holdsFunction);
}

function compiled(text: string): Promise<CompiledExpression> {
  const known = expressions.get(text);
  const expression = known ?? compileExpression(text);
  expressions.delete(text);
  expressions.set(text, expression);
  if (!known) {
    // A text that is wrong stays wrong; only a failure to load may pass.
    expression.catch((error) => error instanceof TransformError || expressions.delete(text));
    if (expressions.size > KEPT_EXPRESSIONS) expressions.delete(expressions.keys().next().value!);
  }
  return expression;
}

/**
 * One expression at a time: each is measured alone, and since an evaluation never leaves the microtask queue, requests
 * on the wire get a turn in between.
 */
function inTurn<T>(run: () => Promise<T>): Promise<T> {
  const turn = lastTurn.then(async () => {
    busySinceMs ??= performance.now();
    if (performance.now() - busySinceMs > BREATHE_AFTER_MS) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      busySinceMs = performance.now();
    }
    return await run();
  });
  lastTurn = turn.catch(() => {});
  return turn;
}

function jsonBytes(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}
