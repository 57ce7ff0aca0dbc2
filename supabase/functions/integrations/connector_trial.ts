import * as z from "zod";
import type { ConnectorRow } from "../_shared/connectors/connector_row.ts";
import { type Finding, findingSchema } from "../_shared/connectors/finding.ts";
import { environment } from "../_shared/env.ts";
import { InterlockError } from "../_shared/guardrails.ts";
import { connectorOf } from "../_shared/providers/connectors.ts";

/** Above what a test may take (some requests of 30 s at most), below the platform's 150 s for an answer. */
const TIMEOUT_MS = 120_000;

const NOTHING_TO_CALL: Finding = {
  message:
    "There is nothing to call: others call the webhooks of this connector, which show what they received.",
  account_name: null,
  error_class: null,
};

/**
 * Has a connector tried by the edge function that has its provider's client, so that this one brings none.
 *
 * @throws {InterlockError} NOT_FOUND when the connector went meanwhile; INTERNAL for a fault of ours there; UNAVAILABLE
 * when that function does not answer, which says nothing about the connector.
 */
export async function tried(row: ConnectorRow, requestId: string): Promise<Finding> {
  const definition = await connectorOf(row.type);
  if (!definition) {
    return {
      message: `Connectors of ${row.type} cannot be tested here.`,
      account_name: null,
      error_class: "misconfigured",
    };
  }
  if (definition.functionName === null) return NOTHING_TO_CALL;
  const { status, text } = await askFunction(definition.functionName, row, requestId);
  if (status === 200) return findingSchema.parse(JSON.parse(text));
  const cause = new Error(`${definition.functionName} answered ${status}: ${text.slice(0, 300)}`);
  const code = codeOf(text);
  if (code === "NOT_FOUND") {
    throw new InterlockError("NOT_FOUND", "This connector does not exist.", { cause });
  }
  if (code === "INTERNAL") {
    throw new InterlockError("INTERNAL", "Something went wrong on our side.", { cause });
  }
  throw unavailable(definition.functionName, cause);
}

async function askFunction(
  functionName: string,
  row: ConnectorRow,
  requestId: string,
): Promise<{ status: number; text: string }> {
  const { SUPABASE_URL, SUPABASE_SECRET_KEYS } = environment();
  try {
    const response = await fetch(`${SUPABASE_URL.replace(/\/+$/, "")}/functions/v1/${functionName}/test`, {
      method: "POST",
      headers: {
        apikey: SUPABASE_SECRET_KEYS.hub ?? "",
        "content-type": "application/json",
        "x-request-id": requestId,
      },
      body: JSON.stringify({ tenant_id: row.tenantId, connector_id: row.connectorId }),
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    throw unavailable(functionName, error);
  }
}

function unavailable(functionName: string, cause: unknown): InterlockError {
  return new InterlockError(
    "UNAVAILABLE",
    `The connector cannot be tested right now: ${functionName} gives no result. Try again; if it stays so, see whether it is deployed.`,
    { cause, retryAfterMs: 5000 },
  );
}

const failureSchema = z.object({ error_code: z.string() });

/** The code of our own failures; null for what something before the function answered. */
function codeOf(text: string): string | null {
  try {
    return failureSchema.parse(JSON.parse(text)).error_code;
  } catch {
    return null;
  }
}
