const NAMES = /^\s*[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*\s*$/;
/** Words that JSONata reads as something else than a name. */
const WORDS = new Set(["and", "or", "in", "true", "false", "null", "function"]);

/** The names of an expression that is nothing but names and dots, such as `data.items`; null for every other one. */
export function namePath(text: string): string[] | null {
  if (!NAMES.test(text)) return null;
  const names = text.trim().split(".");
  return names.some((name) => WORDS.has(name)) ? null : names;
}

/**
 * What JSONata would find at these names, without making a copy of the input for it. Null when there is an array on the
 * way, over which JSONata would run: that is its own affair.
 */
export function follow(names: readonly string[], input: unknown): { found: unknown } | null {
  let at = input;
  for (const name of names) {
    if (Array.isArray(at)) return null;
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return { found: undefined };
    at = (at as Record<string, unknown>)[name];
  }
  return { found: at };
}
