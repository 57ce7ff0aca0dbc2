/** Longest path as text, in characters. */
export const MAX_PATH_CHARS = 200;
/** Most names in a path. */
export const MAX_PATH_NAMES = 10;

/** Names that mean something to JavaScript objects; nobody needs them in a path, so nobody gets to try. */
const RESERVED_NAMES = new Set(["__proto__", "constructor", "prototype"]);

/** A text is not a path. The message is a sentence for whoever wrote it. */
export class PathError extends Error {
  override name = "PathError";
}

/**
 * Reads a path such as `customer.address.city` into its names. A dot inside a name is written `\.`, a backslash `\\`.
 *
 * @throws {PathError} when it is empty, too long or too deep, or has an empty or reserved name.
 */
export function parseDottedPath(text: string): string[] {
  if (text.length > MAX_PATH_CHARS) {
    throw new PathError(`A path has at most ${MAX_PATH_CHARS} characters; shorten it.`);
  }
  const names = [""];
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === ".") {
      names.push("");
      continue;
    }
    if (char === "\\") {
      const next = text[++at];
      if (next !== "." && next !== "\\") {
        throw new PathError(
          "A backslash in a path stands before a dot or another backslash; write \\\\ for itself.",
        );
      }
      names[names.length - 1] += next;
      continue;
    }
    names[names.length - 1] += char;
  }
  if (names.length > MAX_PATH_NAMES) {
    throw new PathError(`A path has at most ${MAX_PATH_NAMES} names; this one has ${names.length}.`);
  }
  for (const name of names) checkName(name);
  return names;
}

function checkName(name: string): void {
  if (name === "") throw new PathError("A path is names joined by single dots, such as customer.name.");
  if (RESERVED_NAMES.has(name)) {
    throw new PathError(`The name ${name} cannot be used in a path; it is reserved.`);
  }
  if (!isStorableText(name)) {
    throw new PathError("A path holds no NUL character and no half of a surrogate pair; remove it.");
  }
}

/** Whether Postgres can hold the text in jsonb: no NUL, and every surrogate has its other half. */
export function isStorableText(text: string): boolean {
  return !/\0|\p{Surrogate}/u.test(text);
}
