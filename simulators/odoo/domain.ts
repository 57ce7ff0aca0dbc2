import type { Database } from "./database.ts";
import { valueError } from "./exceptions.ts";
import { microsOf, type Row, type Stored } from "./values.ts";

/** Whether a record is within a domain. */
export type Predicate = (row: Row) => boolean;

/** A domain that can be asked. */
export interface CompiledDomain {
  matches: Predicate;
  /** Every match has a greater id than this; 0 = nothing is known. */
  idAbove: number;
  /** Whether it says something about `active` itself, which ends the hiding of archived records. */
  namesActive: boolean;
}

/**
 * Compiles a domain: leaves in Polish notation with "&", "|" and "!", joined by "and" where nothing stands between them.
 *
 * @throws {OdooException} when it is none.
 */
export function compileDomain(database: Database, model: string, domain: unknown): CompiledDomain {
  if (!Array.isArray(domain)) throw valueError(`Domain() invalid type: ${JSON.stringify(domain)}`);
  const rest = [...domain];
  const terms: Predicate[] = [];
  let idAbove = 0;
  while (rest.length > 0) {
    const first = rest[0];
    if (Array.isArray(first) && first[0] === "id" && first[1] === ">" && typeof first[2] === "number") {
      idAbove = Math.max(idAbove, first[2]);
    }
    terms.push(term(database, model, rest));
  }
  const namesActive = domain.some((item) => Array.isArray(item) && item[0] === "active");
  return { matches: (row) => terms.every((matches) => matches(row)), idAbove, namesActive };
}

function term(database: Database, model: string, rest: unknown[]): Predicate {
  const item = rest.shift();
  if (item === "!") {
    const inner = term(database, model, rest);
    return (row) => !inner(row);
  }
  if (item === "&" || item === "|") {
    const [left, right] = [term(database, model, rest), term(database, model, rest)];
    return item === "&" ? (row) => left(row) && right(row) : (row) => left(row) || right(row);
  }
  if (!Array.isArray(item) || item.length !== 3) {
    throw valueError(`Invalid leaf ${JSON.stringify(item ?? null)} in domain of model ${model}`);
  }
  return leaf(database, model, item);
}

function leaf(database: Database, model: string, [name, operator, value]: unknown[]): Predicate {
  const [path, end] = typeof name === "string" ? name.split(".") as [string, string?] : [""];
  const field = database.models[model]!.fields[path];
  if (!field || end !== undefined && field.relation === undefined) {
    throw valueError(`Invalid field ${model}.${name} in leaf (${name}, ${operator}, ${value})`);
  }
  if (end !== undefined) {
    const matches = leaf(database, field.relation!, [end, operator, value]);
    const targets = database.table(field.relation!).rows;
    return (row) => {
      const target = targets.get(database.valueOf(model, row, path) as number);
      return target !== undefined && matches(target);
    };
  }
  const wanted = (one: unknown): Stored => {
    if (one === false && field.type !== "boolean") return null;
    if (field.type !== "datetime") return one as Stored;
    const micros = microsOf(one);
    if (micros === undefined) {
      throw valueError(`time data '${one}' does not match format '%Y-%m-%d %H:%M:%S'`);
    }
    return micros;
  };
  const has = (row: Row) => database.valueOf(model, row, path);
  if (operator === "in" || operator === "not in") {
    if (!Array.isArray(value)) throw valueError(`Invalid value for operator ${operator}: ${value}`);
    const set = new Set(value.map(wanted));
    return operator === "in" ? (row) => set.has(has(row)) : (row) => !set.has(has(row));
  }
  const to = wanted(value);
  switch (operator) {
    case "=":
      return (row) => has(row) === to;
    case "!=":
      return (row) => has(row) !== to;
    case "ilike":
      return (row) => String(has(row) ?? "").toLowerCase().includes(String(to).toLowerCase());
    case ">":
    case ">=":
    case "<":
    case "<=":
      return comparison(operator, has, to);
    default:
      throw valueError(`Invalid operator ${operator} in leaf (${name}, ${operator}, ${value})`);
  }
}

/** As SQL compares: nothing is greater or less than null. */
function comparison(operator: ">" | ">=" | "<" | "<=", has: (row: Row) => Stored, to: Stored): Predicate {
  const compare = {
    ">": (one: Stored) => one! > to!,
    ">=": (one: Stored) => one! >= to!,
    "<": (one: Stored) => one! < to!,
    "<=": (one: Stored) => one! <= to!,
  }[operator];
  return (row) => {
    const one = has(row);
    return one !== null && to !== null && compare(one);
  };
}
