/** One line of a change log: what changed last, at this place of the log. */
export interface Change {
  kind: "file" | "drive";
  id: string;
  time: string;
}

/** The number a log begins with, so that nobody takes a token for an index. */
const FIRST = 1000;

/** Changes by number. Of one thing only the latest line counts: the earlier ones are not told any more. */
export class ChangeLog {
  readonly #lines: Change[] = [];
  readonly #latest = new Map<string, number>();

  /** The number the next change will have. */
  get next(): number {
    return FIRST + this.#lines.length;
  }

  add(kind: Change["kind"], id: string, time: string): void {
    this.#latest.set(`${kind} ${id}`, this.#lines.length);
    this.#lines.push({ kind, id, time });
  }

  /** Whether a token with this number can have been given out. */
  knows(number: number): boolean {
    return Number.isSafeInteger(number) && number >= FIRST && number <= this.next;
  }

  /** Changes from a number on, at most so many, and the number after them. */
  from(
    number: number,
    count: number,
    wanted: (change: Change) => boolean,
  ): { changes: Change[]; next: number } {
    const changes: Change[] = [];
    let at = number - FIRST;
    for (; at < this.#lines.length && changes.length < count; at++) {
      const line = this.#lines[at]!;
      if (this.#latest.get(`${line.kind} ${line.id}`) === at && wanted(line)) changes.push(line);
    }
    return { changes, next: FIRST + at };
  }
}
