/** A record of the API: its fields as JSON texts, so that every digit is as the API writes it. */
export interface RestRecord {
  /** In the order of creation. */
  number: number;
  /** JSON text of the identifier: a number or a quoted text. */
  id: string;
  fields: Record<string, string>;
  updatedMs: number;
  /** Gone, but still listed, in an API that marks what is gone. */
  deleted: boolean;
}

let clockMs = 0;

/** Now, but later than ever before: no two changes have one instant. */
function nextInstantMs(): number {
  clockMs = Math.max(Date.now(), clockMs + 1);
  return clockMs;
}

/** What the API lists under one name. */
export class RestCollection {
  readonly records = new Map<string, RestRecord>();
  #created = 0;

  /** @param marks - what is gone stays listed with `deleted: true`, as opposed to vanishing. */
  constructor(readonly marks = false) {}

  /** Adds a record; numbers with many digits come with it. */
  create(fields: Record<string, string> = {}, id?: string): RestRecord {
    const number = ++this.#created;
    const record = {
      number,
      id: id ?? String(number),
      fields: {
        name: JSON.stringify(`Record ${number}`),
        amount: `${number}.${"1234567890".repeat(3)}`,
        big: `${9007199254740990 + number % 10}${number}`,
        ...fields,
      },
      updatedMs: nextInstantMs(),
      deleted: false,
    };
    this.records.set(record.id, record);
    return record;
  }

  edit(id: string, fields: Record<string, string>): void {
    const record = this.records.get(id)!;
    Object.assign(record.fields, fields);
    record.updatedMs = nextInstantMs();
  }

  remove(id: string): void {
    if (!this.marks) {
      this.records.delete(id);
      return;
    }
    const record = this.records.get(id)!;
    record.deleted = true;
    record.updatedMs = nextInstantMs();
  }

  /** What exists. */
  living(): RestRecord[] {
    return [...this.records.values()].filter(({ deleted }) => !deleted);
  }

  /** What is listed, in the order of creation. */
  listed(sinceMs: number | null): RestRecord[] {
    return [...this.records.values()].filter(({ updatedMs }) => sinceMs === null || updatedMs >= sinceMs);
  }
}

/** The record as the API writes it. */
export function recordText({ id, fields, updatedMs, deleted }: RestRecord): string {
  const all = Object.entries({ id, ...fields, updated_at: `"${new Date(updatedMs).toISOString()}"` });
  if (deleted) all.push(["deleted", "true"]);
  return `{${all.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`;
}
