import { invalidParameter } from "./answers.ts";

/** Fields that are asked for: a name, and those within it; null = all of it. */
type Mask = Map<string, Mask | null>;

/**
 * A function that keeps of an answer what `fields` names, such as `nextPageToken,files(id,owners(emailAddress))`. Made
 * once and used for every file of a page.
 *
 * @param known - every name there is, at any depth; another one is refused as Google does.
 */
export function fieldMask(fields: string, known: ReadonlySet<string>): (value: unknown) => unknown {
  const mask = parsed(fields, known);
  return (value) => masked(value, mask);
}

function parsed(fields: string, known: ReadonlySet<string>): Mask {
  const tokens = fields.match(/[A-Za-z0-9_]+|[(),/*]|./g) ?? [];
  let at = 0;
  const refuse = () =>
    invalidParameter("fields", `Invalid field selection ${tokens[at] ?? ""}`, "invalidParameter");
  const readList = (): Mask => {
    const mask: Mask = new Map();
    do {
      const name = tokens[at] ?? "";
      if (!known.has(name) && name !== "*") throw refuse();
      at++;
      mask.set(name, readInner());
    } while (tokens[at] === "," && at++ >= 0);
    return mask;
  };
  const readInner = (): Mask | null => {
    if (tokens[at] === "/") {
      const name = tokens[++at] ?? "";
      if (!known.has(name)) throw refuse();
      at++;
      return new Map([[name, readInner()]]);
    }
    if (tokens[at] !== "(") return null;
    at++;
    const mask = readList();
    if (tokens[at] !== ")") throw refuse();
    at++;
    return mask;
  };
  const mask = readList();
  if (at !== tokens.length) throw refuse();
  return mask;
}

function masked(value: unknown, mask: Mask | null): unknown {
  if (mask === null || mask.has("*") || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => masked(item, mask));
  const kept: Record<string, unknown> = {};
  for (const [name, inner] of mask) {
    const field = (value as Record<string, unknown>)[name];
    if (field !== undefined) kept[name] = masked(field, inner);
  }
  return kept;
}
