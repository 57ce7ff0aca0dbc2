/** JSON as text, for what JSON.stringify cannot say: 1e999, lone surrogates, 10,000 levels, a key twice. */
export class JsonText {
  constructor(readonly text: string) {}
}

/** Prints a value whose parts may be {@link JsonText}. */
export function printJson(value: unknown): string {
  if (value instanceof JsonText) return value.text;
  if (Array.isArray(value)) return `[${value.map(printJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    return `{${
      Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${printJson(inner)}`).join(",")
    }}`;
  }
  return JSON.stringify(value) ?? "null";
}

/** A place in a JSON value: the keys that lead there. */
export type JsonPath = (string | number)[];

/** Every place in a value, the whole first. */
export function placesIn(value: unknown, path: JsonPath = []): JsonPath[] {
  if (typeof value !== "object" || value === null || value instanceof JsonText) return [path];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [path, ...entries.flatMap(([key, inner]) => placesIn(inner, [...path, key]))];
}

/** The value with what stands at a place exchanged. */
export function replacedAt(value: unknown, path: JsonPath, replacement: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return replacement;
  const copy = structuredCopy(value) as Record<string | number, unknown>;
  copy[key] = replacedAt(copy[key], rest, replacement);
  return copy;
}

/** The value without what stands at a place; the whole is left as it is. */
export function withoutAt(value: unknown, path: JsonPath): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  const copy = structuredCopy(value) as Record<string | number, unknown>;
  if (rest.length > 0) copy[key] = withoutAt(copy[key], rest);
  else if (Array.isArray(copy)) copy.splice(Number(key), 1);
  else delete copy[key];
  return copy;
}

/** The value as text, with the key at a place written twice: first with another value, then with its own. */
export function twiceAt(value: unknown, path: JsonPath, other: unknown): unknown {
  const key = path.at(-1);
  if (typeof key !== "string") return value;
  const parentPath = path.slice(0, -1);
  const parent = parentPath.reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[step], value);
  const own = printJson(parent).slice(1);
  return replacedAt(value, parentPath, new JsonText(`{${JSON.stringify(key)}:${printJson(other)},${own}`));
}

function structuredCopy(value: unknown): unknown {
  return Array.isArray(value) ? [...value] : { ...value as object };
}
