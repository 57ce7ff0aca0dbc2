import { dirname, isAbsolute, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const FUNCTIONS = "supabase/functions/";

/** Where a file stands, for rules that hold in some places only. */
export interface Place {
  /** Below the root of the project. */
  path: string;
  /** Below supabase/functions; null elsewhere. */
  inFunctions: string | null;
  /** Below supabase/functions/_shared; null elsewhere. */
  inShared: string | null;
}

/** The place of a file that lint names absolutely, and tests by its path below the root. */
export function placeOf(fileName: string): Place {
  const path = isAbsolute(fileName) ? relative(root, fileName) : fileName;
  const inFunctions = path.startsWith(FUNCTIONS) ? path.slice(FUNCTIONS.length) : null;
  const inShared = inFunctions?.startsWith("_shared/") ? inFunctions.slice("_shared/".length) : null;
  return { path, inFunctions, inShared };
}

/** The place a relative import leads to. */
export function placeOfImport(from: Place, specifier: string): Place {
  return placeOf(join(dirname(from.path), specifier));
}
