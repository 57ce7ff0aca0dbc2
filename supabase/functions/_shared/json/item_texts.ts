/**
 * The items of a JSON array, each as it was written: no digit, escape or order of keys changes, and no depth is too much.
 *
 * @param text - valid JSON whose outermost value is an array; nothing is checked here.
 */
export function itemTexts(text: string): string[] {
  const items: string[] = [];
  let depth = 0;
  let begun = 0;
  const end = (at: number) => {
    const item = text.slice(begun, at).trim();
    if (item !== "") items.push(item);
    begun = at + 1;
  };
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') at = endOfString(text, at);
    else if (char === "[" || char === "{") depth++ || (begun = at + 1);
    else if (char === "]" || char === "}") --depth || end(at);
    else if (char === "," && depth === 1) end(at);
  }
  return items;
}

function endOfString(text: string, begun: number): number {
  for (let at = begun + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at;
  }
  return text.length;
}
