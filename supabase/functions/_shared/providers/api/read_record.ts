import { hexEncode, utf8Bytes } from "../../crypto/encoding.ts";
import { storableText } from "../../json/storable_text.ts";
import { ExpressionError } from "../../expression/expression_error.ts";
import type { PlainJson, SourceRecord } from "../source.ts";
import type { PageExpressions } from "./expressions.ts";
import { instantMs } from "./instants.ts";
import type { ResourceConfig } from "./resource_config.ts";
import { storable } from "./storable.ts";

const MAX_EXTERNAL_ID_CHARS = 200;
const MAX_RECORD_ID_CHARS = 1000;
/** Largest record, as JSON. */
const MAX_RECORD_CHARS = 262_144;

/** What became of one record of a page. */
export type ReadRecord =
  | { kind: "record"; record: SourceRecord; updatedMs: number | null }
  | { kind: "deleted"; externalId: string; updatedMs: number | null }
  /** It exists and cannot be used; null = it is not even known which one it is. */
  | { kind: "refused"; externalId: string | null; reason: string };

/** Reads a record with the expressions of its resource. What is wrong with it stops no other one. */
export async function readRecord(
  name: string,
  resource: ResourceConfig,
  record: unknown,
  expressions: PageExpressions,
): Promise<ReadRecord> {
  let externalId: string | null = null;
  try {
    if (typeof record !== "object" || record === null || Array.isArray(record)) {
      return refused(null, "is not an object");
    }
    const id = recordId(await expressions.evaluate(resource.id, record));
    if (id === null) return refused(null, `has no text or whole number at id (${resource.id})`);
    externalId = await externalIdOf(name, id);
    const updatedMs = resource.updated_at === undefined
      ? null
      : instantMs(await expressions.evaluate(resource.updated_at, record));
    if (await isDeleted(resource, record, expressions)) return { kind: "deleted", externalId, updatedMs };
    const data = storable(await mapped(resource, record, expressions));
    if (JSON.stringify(data).length > MAX_RECORD_CHARS) {
      return refused(
        externalId,
        `is larger than ${MAX_RECORD_CHARS} characters; keep less of it with fields`,
      );
    }
    const provider_updated_at = updatedMs === null ? null : new Date(updatedMs).toISOString();
    return {
      kind: "record",
      record: { externalId, values: { record_id: storableText(id), data, provider_updated_at } },
      updatedMs,
    };
  } catch (error) {
    if (error instanceof ExpressionError) return refused(externalId, `cannot be mapped: ${error.message}`);
    throw error;
  }
}

/**
 * The identifier in the hub, `<resource>/<id>`: one table holds the records of all resources. A long one is cut and keeps
 * apart by its SHA-256.
 */
export async function externalIdOf(resource: string, id: string): Promise<string> {
  const whole = `${resource}/${storableText(id)}`;
  if ([...whole].length <= MAX_EXTERNAL_ID_CHARS) return whole;
  const digest = hexEncode(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8Bytes(id))));
  return `${[...whole].slice(0, MAX_EXTERNAL_ID_CHARS - digest.length - 1).join("")}~${digest}`;
}

function recordId(value: unknown): string | null {
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  return typeof value === "string" && value !== "" && value.length <= MAX_RECORD_ID_CHARS ? value : null;
}

async function isDeleted(
  { deletions }: ResourceConfig,
  record: object,
  expressions: PageExpressions,
): Promise<boolean> {
  return typeof deletions === "object" && await expressions.evaluate(deletions.deleted, record) === true;
}

async function mapped(
  { fields }: ResourceConfig,
  record: object,
  expressions: PageExpressions,
): Promise<unknown> {
  if (fields === undefined) return record;
  const data: { [field: string]: PlainJson } = {};
  for (const [field, text] of Object.entries(fields)) {
    data[field] = (await expressions.evaluate(text, record) ?? null) as PlainJson;
  }
  return data;
}

function refused(externalId: string | null, reason: string): ReadRecord {
  return { kind: "refused", externalId, reason };
}
