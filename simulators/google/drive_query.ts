import type { DriveItem } from "./drive_store.ts";
import { invalidParameter } from "./answers.ts";

/** A search as files.list takes it in `q`. */
export interface DriveQuery {
  matches(item: DriveItem): boolean;
  /** Folders one of which a hit lies in; null = it may lie anywhere. */
  parents: ReadonlySet<string> | null;
}

const TOKEN = /\s*(?:(')((?:[^'\\]|\\.)*)'|([A-Za-z]+)|(!=|=)|([()]))/y;

/** Reads `'ID' in parents`, `trashed = false`, `mimeType = '...'`, `name = '...'`, with and, or, not and brackets. */
export function parseQuery(text: string | null): DriveQuery {
  if (text === null || text.trim() === "") return { matches: () => true, parents: null };
  const reader = new Reader(text);
  const query = reader.either();
  reader.end();
  return query;
}

interface Token {
  kind: "text" | "word" | "operator" | "bracket";
  value: string;
}

class Reader {
  readonly #tokens: Token[] = [];
  #at = 0;

  constructor(text: string) {
    const end = text.trimEnd().length;
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < end) {
      const found = TOKEN.exec(text);
      if (found === null) throw invalidParameter("q");
      const [, quote, quoted, word, operator, bracket] = found;
      if (quote) this.#tokens.push({ kind: "text", value: quoted!.replace(/\\(.)/g, "$1") });
      else if (word) this.#tokens.push({ kind: "word", value: word });
      else if (operator) this.#tokens.push({ kind: "operator", value: operator });
      else this.#tokens.push({ kind: "bracket", value: bracket! });
    }
  }

  either(): DriveQuery {
    let query = this.both();
    while (this.#take("or")) {
      const [left, right] = [query, this.both()];
      const parents = left.parents && right.parents && new Set([...left.parents, ...right.parents]);
      query = { matches: (item) => left.matches(item) || right.matches(item), parents };
    }
    return query;
  }

  both(): DriveQuery {
    let query = this.term();
    while (this.#take("and")) {
      const [left, right] = [query, this.term()];
      const parents = left.parents ?? right.parents;
      query = { matches: (item) => left.matches(item) && right.matches(item), parents };
    }
    return query;
  }

  term(): DriveQuery {
    if (this.#take("not")) {
      const inner = this.term();
      return { matches: (item) => !inner.matches(item), parents: null };
    }
    if (this.#take("(")) {
      const inner = this.either();
      this.#expect(")");
      return inner;
    }
    const token = this.#tokens[this.#at++];
    if (token?.kind === "text") {
      this.#expect("in");
      this.#expect("parents");
      const id = token.value;
      return { matches: (item) => item.parents.includes(id), parents: new Set([id]) };
    }
    if (token?.kind !== "word") throw invalidParameter("q");
    return this.#comparison(token.value);
  }

  #comparison(field: string): DriveQuery {
    const operator = this.#tokens[this.#at++];
    const value = this.#tokens[this.#at++];
    if (operator?.kind !== "operator" || value === undefined) throw invalidParameter("q");
    const wanted = operator.value === "=";
    if (field === "trashed" && value.kind === "word" && /^(true|false)$/.test(value.value)) {
      return { matches: (item) => (String(item.trashed) === value.value) === wanted, parents: null };
    }
    if ((field !== "mimeType" && field !== "name") || value.kind !== "text") throw invalidParameter("q");
    return { matches: (item) => (item[field] === value.value) === wanted, parents: null };
  }

  end(): void {
    if (this.#at !== this.#tokens.length) throw invalidParameter("q");
  }

  #take(value: string): boolean {
    const token = this.#tokens[this.#at];
    const found = token !== undefined && token.kind !== "text" && token.value === value;
    if (found) this.#at++;
    return found;
  }

  #expect(value: string): void {
    if (!this.#take(value)) throw invalidParameter("q");
  }
}
