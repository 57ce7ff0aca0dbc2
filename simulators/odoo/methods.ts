import type { Database } from "./database.ts";
import { compileDomain } from "./domain.ts";
import { OdooException, valueError } from "./exceptions.ts";
import { type Row, type Told, toldInstant } from "./values.ts";

/** Arguments of a method by name, as they came. */
export type Named = Record<string, unknown>;

/** A method that can be called from outside. */
interface Method {
  /** Its parameters in their order; with "?" they may be left out. */
  parameters: string[];
  /** Runs on the model as a whole; otherwise on the records whose ids come first. */
  onModel: boolean;
  run(database: Database, model: string, named: Named, ids: number[]): Told;
}

/** The methods that every model has, as far as they are played. */
export const methods: Record<string, Method> = {
  search: {
    parameters: ["domain", "offset?", "limit?", "order?"],
    onModel: true,
    run: (database, model, named) => found(database, model, named).map((row) => row.id),
  },
  search_read: {
    parameters: ["domain?", "fields?", "offset?", "limit?", "order?"],
    onModel: true,
    run: (database, model, named) => told(database, model, found(database, model, named), named.fields),
  },
  search_count: {
    parameters: ["domain", "limit?"],
    onModel: true,
    run: (database, model, named) => found(database, model, { ...named, order: "id" }).length,
  },
  read: {
    parameters: ["fields?", "load?"],
    onModel: false,
    run: (database, model, named, ids) => {
      const rows = ids.map((id) => database.table(model).rows.get(id));
      const missing = rows.indexOf(undefined);
      if (missing !== -1) {
        const message = `Record does not exist or has been deleted.\n(Record: ${model}(${
          ids[missing]
        },), User: 2)`;
        throw new OdooException("odoo.exceptions.MissingError", message, 404);
      }
      return told(database, model, rows as Row[], named.fields, named.load === "_classic_write");
    },
  },
  default_get: {
    parameters: ["fields_list"],
    onModel: true,
    run(_, __, { fields_list }): Told {
      if (Array.isArray(fields_list) && fields_list.includes("active")) return { active: true };
      return {};
    },
  },
  fields_get: {
    parameters: ["allfields?", "attributes?"],
    onModel: true,
    run: (database, model, named) => fieldsGet(database, model, named),
  },
};

/** The records of a domain, in order. */
function found(database: Database, model: string, named: Named): Row[] {
  const { matches, idAbove, namesActive } = compileDomain(database, model, named.domain ?? []);
  const context = (named.context ?? {}) as Named;
  const hidesArchived = context.active_test !== false && context.active_test !== 0 && !namesActive &&
    "active" in database.models[model]!.fields;
  const rows = database.table(model).rows;
  const ids = sortedIds(database, model, named.order);
  const byId = ids === database.idsOf(model);
  const offset = countOf(named.offset, 0);
  const limit = countOf(named.limit, Infinity);
  const taken: Row[] = [];
  let skipped = 0;
  for (let index = byId ? firstAbove(ids, idAbove) : 0; index < ids.length; index++) {
    const row = rows.get(ids[index]!)!;
    if (hidesArchived && row.active === false || !matches(row)) continue;
    if (skipped++ < offset) continue;
    if (taken.length >= limit) break;
    taken.push(row);
    if (taken.length >= limit) break;
  }
  return taken;
}

function countOf(value: unknown, otherwise: number): number {
  if (value === undefined || value === null || value === false || value === 0) return otherwise;
  if (typeof value !== "number" || value < 0) throw valueError(`invalid limit or offset: ${value}`);
  return value;
}

function firstAbove(ids: number[], id: number): number {
  let [low, high] = [0, ids.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ids[middle]! > id) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Orders that were asked for, with the revision they are of. */
const orders = new WeakMap<Database, Map<string, { revision: number; ids: number[] }>>();

function sortedIds(database: Database, model: string, order: unknown): number[] {
  const keys = orderKeys(database, model, order);
  if (keys[0]!.name === "id" && !keys[0]!.descending) return database.idsOf(model);
  const known = orders.get(database) ?? new Map();
  orders.set(database, known);
  const { revision, rows } = database.table(model);
  const slot = `${model} ${order}`;
  const before = known.get(slot);
  if (before?.revision === revision) return before.ids;
  const sorted = [...rows.values()].sort((one, other) => {
    for (const { name, descending } of keys) {
      const [left, right] = [one[name] ?? null, other[name] ?? null];
      if (left === right) continue;
      const less = right === null || left !== null && left < right;
      return less !== descending ? -1 : 1;
    }
    return one.id - other.id;
  });
  const ids = sorted.map((row) => row.id);
  known.set(slot, { revision, ids });
  return ids;
}

function orderKeys(
  database: Database,
  model: string,
  order: unknown,
): { name: string; descending: boolean }[] {
  if (order === undefined || order === null || order === false) return [{ name: "id", descending: false }];
  return String(order).split(",").map((part) => {
    const match = /^\s*([a-z_0-9]+)(?:\s+(asc|desc))?\s*$/i.exec(part);
    if (!match || !database.models[model]!.fields[match[1]!]) {
      throw new OdooException(
        "odoo.exceptions.UserError",
        `Invalid "order" specified (${order}). A valid "order" specification is a comma-separated list of valid field names (optionally followed by asc/desc for the direction)`,
        422,
      );
    }
    return { name: match[1]!, descending: match[2]?.toLowerCase() === "desc" };
  });
}

/** @param isBare - a many2one is its id alone, as `load: "_classic_write"` asks for. */
function told(database: Database, model: string, rows: Row[], fields: unknown, isBare = false): Told[] {
  const known = database.models[model]!.fields;
  const names = Array.isArray(fields) && fields.length > 0 ? fields.map(String) : Object.keys(known);
  const unknown = names.find((name) => !known[name]);
  if (unknown !== undefined) throw valueError(`Invalid field '${unknown}' on model '${model}'`);
  const asked = ["id", ...names.filter((name) => name !== "id")];
  return rows.map((row) =>
    Object.fromEntries(asked.map((name) => [name, toldValue(database, model, row, name, isBare)]))
  );
}

function toldValue(database: Database, model: string, row: Row, name: string, isBare: boolean): Told {
  const field = database.models[model]!.fields[name]!;
  const value = database.valueOf(model, row, name);
  if (value === null) return false;
  if (field.type === "datetime") return toldInstant(value as number);
  if (field.type !== "many2one" || isBare) return value;
  const target = database.table(field.relation!).rows.get(value as number);
  return target
    ? [target.id, String(database.valueOf(field.relation!, target, "display_name") ?? "")]
    : false;
}

function fieldsGet(database: Database, model: string, { allfields, attributes }: Named): Told {
  const wanted = Array.isArray(allfields) && allfields.length > 0 ? new Set(allfields) : null;
  const entries = Object.entries(database.models[model]!.fields).filter(([name]) =>
    !wanted || wanted.has(name)
  );
  return Object.fromEntries(entries.map(([name, field]) => {
    const all: Record<string, Told> = {
      ...{ type: field.type, string: field.string, name, readonly: false, required: false, store: true },
      ...(field.relation === undefined ? {} : { relation: field.relation, domain: [], context: {} }),
    };
    const asked = Array.isArray(attributes) && attributes.length > 0
      ? Object.entries(all).filter(([key]) => attributes.includes(key))
      : Object.entries(all);
    return [name, Object.fromEntries(asked)];
  }));
}
