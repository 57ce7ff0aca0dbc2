import * as z from "zod";
import type { WebhookPayload } from "../contract.ts";
import { compileExpression } from "../../expression/expression.ts";
import { ExpressionCache } from "../../expression/expression_cache.ts";
import { ExpressionError } from "../../expression/expression_error.ts";
import { holdsFunction, plainResult } from "../../expression/plain_result.ts";
import { inTurn } from "../../expression/turns.ts";
import { fieldMappingsSchema, mapFields } from "./field_mappings.ts";
import { TRANSFORM_LIMITS as LIMITS } from "./limits.ts";
import { TransformError } from "./transform_error.ts";

const KEPT_EXPRESSIONS = 64;

/** The settings of a subscription that change its payload. `checkTransformation` says whether the text is good. */
export const transformSettingsSchema = z.object({
  field_mappings: fieldMappingsSchema.nullish(),
  transformation: z.string().min(1).max(LIMITS.expressionChars).nullish(),
});

export type TransformSettings = z.infer<typeof transformSettingsSchema>;

const expressions = new ExpressionCache(LIMITS, KEPT_EXPRESSIONS);

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
    await compileExpression(text, LIMITS);
    return null;
  } catch (error) {
    if (error instanceof ExpressionError) return error.message;
    throw error;
  }
}

async function evaluated(text: string, payload: WebhookPayload): Promise<Record<string, unknown>> {
  const { type, timestamp, data } = payload;
  try {
    const expression = await expressions.compiled(text);
    const result = await expression.evaluate({ type, timestamp, data });
    if (typeof result !== "object" || result === null || Array.isArray(result) || holdsFunction(result)) {
      throw new TransformError(
        "The expression gives something that is not an object; data of a webhook is one.",
      );
    }
    return plainResult(result) as Record<string, unknown>;
  } catch (error) {
    throw error instanceof ExpressionError ? new TransformError(error.message) : error;
  }
}

function jsonBytes(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}
