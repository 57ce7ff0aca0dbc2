/**
 * The target of `rel=next` in a Link header (RFC 8288 section 3), as it is written; null = there is none.
 *
 * Values are read one after the other: a target may hold commas and semicolons, and a quoted parameter all of it.
 */
export function nextLink(header: string): string | null {
  let rest = header;
  while (true) {
    const target = /^[\s,]*<([^>]*)>/.exec(rest);
    if (!target) return null;
    rest = rest.slice(target[0].length);
    let rel: string | null = null;
    for (let parameter = PARAMETER.exec(rest); parameter; parameter = PARAMETER.exec(rest)) {
      rest = rest.slice(parameter[0].length);
      // Section 3.3: only the first rel counts.
      if (parameter[1]!.toLowerCase() === "rel") rel ??= parameter[2] ?? parameter[3] ?? "";
    }
    if (rel?.toLowerCase().split(/\s+/).includes("next")) return target[1]!;
  }
}

const PARAMETER = /^\s*;\s*([\w!#$&+.^`|~*-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?/;
