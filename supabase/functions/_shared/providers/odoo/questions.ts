import type { PlainJson, SourceRecord } from "../source.ts";
import type { OdooClient } from "./client.ts";
import { fieldsIn, recordsOf, rowsOf } from "./columns.ts";
import type { Kind } from "./kind.ts";
import { msOf, type OdooInstant } from "./marks.ts";
import { malformed } from "./transport.ts";

/** A domain of Odoo: conditions that all hold. */
export type Domain = [field: string, operator: string, value: PlainJson][];

/** Archived records are records as well: without this, Odoo hides them. */
const context = { active_test: false };

/** Records of a domain by id, with the columns whose fields the model has. */
export async function readRecords(
  client: OdooClient,
  { model, columns }: Kind,
  domain: Domain,
  limit: number,
): Promise<SourceRecord[]> {
  const known = await client.fieldsOf(model, fieldsIn(columns));
  const read = Object.fromEntries(Object.entries(columns).filter(([, [field]]) => known.has(field)));
  const { value } = await client.call(model, "search_read", {
    ...{ domain, fields: fieldsIn(read), order: "id asc", limit, context },
  });
  return recordsOf(value, read);
}

/** One field of records of a domain by id. */
export async function readField(
  client: OdooClient,
  model: string,
  field: string,
  domain: Domain,
  limit: number,
): Promise<{ id: number; value: PlainJson }[]> {
  const { value } = await client.call(model, "search_read", {
    ...{ domain, fields: [field], order: "id asc", limit, context },
  });
  return rowsOf(value).map((row) => ({ id: row.id, value: row[field] ?? false }));
}

/** How many records a domain has. */
export async function countOf(client: OdooClient, model: string, domain: Domain): Promise<number> {
  const { value } = await client.call(model, "search_count", { domain, context });
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw malformed();
  return value;
}

/** Ids of a domain, ascending. */
export async function idsOf(
  client: OdooClient,
  model: string,
  domain: Domain,
  limit: number,
): Promise<number[]> {
  const { value } = await client.call(model, "search", { domain, order: "id asc", limit, context });
  if (!Array.isArray(value) || !value.every((id) => Number.isSafeInteger(id))) throw malformed();
  return value as number[];
}

/** The newest write_date of a model, and the server's clock then; null = no record, or no clock. */
export async function newestOf(
  client: OdooClient,
  model: string,
): Promise<{ newest: OdooInstant | null; servedAtMs: number | null }> {
  const { value, servedAtMs } = await client.call(model, "search_read", {
    ...{ domain: [], fields: ["write_date"], order: "write_date desc, id desc", limit: 1, context },
  });
  const instant = rowsOf(value)[0]?.write_date;
  if (instant === undefined || instant === false) return { newest: null, servedAtMs };
  if (msOf(instant) === undefined) throw malformed();
  return { newest: instant as OdooInstant, servedAtMs };
}
