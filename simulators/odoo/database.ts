import { type Model, modelsOf } from "./models.ts";
import type { Row, Stored } from "./values.ts";

/** Values to write, by field. */
export type Values = Record<string, Stored>;

/** A transaction that has begun and is not committed yet: nobody sees what it did. */
export interface Transaction {
  /** Takes an id from the sequence at once, as PostgreSQL does. */
  create(model: string, values: Values): number;
  write(model: string, ids: number[], values: Values): void;
  commit(): void;
}

/** The records of one model. */
export interface Table {
  rows: Map<number, Row>;
  /** Ascending; holds ids of deleted rows until it is made anew. */
  ids: number[];
  nextId: number;
  /** Changes with every change. */
  revision: number;
}

/**
 * Odoo's database: records of the models of one version, instants to the microsecond. As in PostgreSQL, everything that a
 * transaction writes carries the instant at which it began, and a foreign key that is set to null by a deletion moves no
 * write_date.
 */
export class Database {
  readonly models: Record<string, Model>;
  readonly #tables = new Map<string, Table>();

  constructor(readonly major: number, readonly nowMicros: () => number) {
    this.models = modelsOf(major);
    for (const model of Object.keys(this.models)) {
      this.#tables.set(model, { rows: new Map(), ids: [], nextId: 1, revision: 0 });
    }
    this.createMany(
      "ir.model",
      Object.entries(this.models).map(([model, { description }]) => ({ model, name: description })),
    );
  }

  table(model: string): Table {
    const table = this.#tables.get(model);
    if (!table) throw new Error(`The simulator has no model ${model}`);
    return table;
  }

  /** The ids of a model's records, ascending. */
  idsOf(model: string): number[] {
    const table = this.table(model);
    if (table.ids.length !== table.rows.size) table.ids = table.ids.filter((id) => table.rows.has(id));
    return table.ids;
  }

  valueOf(model: string, row: Row, name: string): Stored {
    const field = this.models[model]!.fields[name]!;
    if (name === "display_name") return row[this.models[model]!.displayField] ?? null;
    if (field.through === undefined) return row[name] ?? null;
    const through = this.models[model]!.fields[field.through]!.relation!;
    return this.table(through).rows.get(row[field.through] as number)?.[name] ?? null;
  }

  /** Creates a record in a transaction of its own. */
  create(model: string, values: Values): number {
    return this.createMany(model, [values])[0]!;
  }

  /** Creates records in one transaction: all have one instant. */
  createMany(model: string, list: Values[]): number[] {
    const now = this.nowMicros();
    return list.map((values) => this.#insert(model, this.table(model).nextId++, values, now));
  }

  /** Writes records in one transaction. */
  write(model: string, ids: number[], values: Values): void {
    this.#update(model, ids, values, this.nowMicros());
  }

  /** Deletes records for good. What pointed to them points to nothing then. */
  unlink(model: string, ids: number[]): void {
    const gone = new Set(ids);
    const rows = this.table(model).rows;
    if (model === "hr.employee" && this.major >= 19) {
      this.unlink("hr.version", ids.map((id) => rows.get(id)!.version_id as number));
    }
    for (const id of gone) rows.delete(id);
    this.table(model).revision++;
    for (const [other, { fields }] of Object.entries(this.models)) {
      const pointing = Object.entries(fields)
        .filter(([, field]) => field.relation === model && field.through === undefined).map(([name]) => name);
      for (const row of pointing.length > 0 ? this.table(other).rows.values() : []) {
        for (const name of pointing) if (gone.has(row[name] as number)) row[name] = null;
      }
    }
    if (model === "hr.department") this.#nameDepartments(this.nowMicros());
  }

  /** Begins a transaction that commits when it is told to. */
  begin(): Transaction {
    const now = this.nowMicros();
    const work: (() => void)[] = [];
    return {
      create: (model, values) => {
        const id = this.table(model).nextId++;
        work.push(() => this.#insert(model, id, values, now));
        return id;
      },
      write: (model, ids, values) => void work.push(() => this.#update(model, ids, values, now)),
      commit: () => work.splice(0).forEach((step) => step()),
    };
  }

  #insert(model: string, id: number, values: Values, now: number): number {
    const table = this.table(model);
    const row: Row = { id, create_date: now, write_date: now, active: true };
    for (const [name, field] of Object.entries(this.models[model]!.fields)) {
      if (field.through === undefined && name in values) row[name] = values[name]!;
    }
    table.rows.set(id, row);
    const last = table.ids.at(-1) ?? 0;
    table.ids.push(id);
    if (id < last) table.ids.sort((one, other) => one - other);
    table.revision++;
    if (model === "hr.employee" && this.major >= 19) {
      const version = { ...values, employee_id: id, date_version: "2020-01-01", active: true };
      row.version_id = this.#insert("hr.version", this.table("hr.version").nextId++, version, now);
    }
    if (model === "hr.department") this.#nameDepartments(now);
    return id;
  }

  #update(model: string, ids: number[], values: Values, now: number): void {
    const table = this.table(model);
    for (const id of ids) {
      const row = table.rows.get(id);
      if (!row) continue;
      for (const [name, value] of Object.entries(values)) {
        const through = this.models[model]!.fields[name]!.through;
        if (through === undefined) row[name] = value;
        else this.#update("hr.version", [row[through] as number], { [name]: value }, now);
      }
      row.write_date = now;
    }
    table.revision++;
    if (model === "hr.department") this.#nameDepartments(now);
  }

  /** complete_name is stored: where it changes by another record's change, write_date moves as well. */
  #nameDepartments(now: number): void {
    const rows = this.table("hr.department").rows;
    const nameOf = (row: Row, depth = 0): string => {
      const parent = rows.get(row.parent_id as number);
      return parent && depth < 20 ? `${nameOf(parent, depth + 1)} / ${row.name}` : `${row.name}`;
    };
    for (const row of rows.values()) {
      const name = nameOf(row);
      if (row.complete_name === name) continue;
      row.complete_name = name;
      row.write_date = now;
    }
  }
}
