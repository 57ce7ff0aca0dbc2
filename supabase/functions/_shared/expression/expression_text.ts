import { LANGUAGE_LIMITS as LIMITS } from "./limits.ts";

const WHITESPACE = " \t\n\r\v";
const OPERATORS = ".[]{}(),@#;:?+-*/%|=<>^&!~";
const NUMBER = /-?(0|([1-9][0-9]*))(\.[0-9]+)?([Ee][-+]?[0-9]+)?/y;

/**
 * Whether the parser could be made to build a tree far larger than its text. It copies the left side of `?:` and `??`,
 * so a few dozen of them inside each other are more than any memory holds, and that before there is a tree to measure.
 *
 * The text is read by the parser's own rules for tokens, up to the first slash that is not a comment: whether that is
 * a division or begins a regular expression, only a parser knows. With such a slash the operators are counted
 * wherever they stand.
 */
export function wouldExplode(text: string): boolean {
  const chars = parsedChars(text);
  if (chars !== null) return chars > LIMITS.parsedChars;
  return (text.match(/\?[?:]/g)?.length ?? 0) > LIMITS.copiesBesideSlash;
}

/** What of an expression is open: a bracket's finished operands, and the one being read. */
interface Level {
  done: number;
  current: number;
}

/** How many characters the parser's tree stands for, at most; null where a bare slash makes that unknowable. */
function parsedChars(text: string): number | null {
  const levels: Level[] = [{ done: 0, current: 0 }];
  for (let at = 0; at < text.length;) {
    const level = levels.at(-1)!;
    const char = text[at]!;
    const length = tokenLength(text, at);
    if (length === null) return null;
    const token = text.slice(at, at + length);
    if (token === "?:" || token === "??") {
      // The right side is an expression of its own, up to the bracket's end.
      level.done += 2 * (level.current + length);
      level.current = 0;
    } else if (",;:?".includes(token)) {
      level.done += level.current + length;
      level.current = 0;
    } else {
      level.current += length;
      if ("([{".includes(char) && length === 1) levels.push({ done: 0, current: 0 });
      if (")]}".includes(char) && length === 1 && levels.length > 1) {
        const inner = levels.pop()!;
        levels.at(-1)!.current += inner.done + inner.current;
      }
    }
    at += length;
  }
  return levels.reduce((sum, level) => sum + level.done + level.current, 0);
}

/** Length of the token at a place, whitespace and comments being tokens too; null for a bare slash. */
function tokenLength(text: string, at: number): number | null {
  const char = text[at]!;
  if (WHITESPACE.includes(char)) return 1;
  if (char === "/") {
    if (text[at + 1] !== "*") return null;
    return to(text, "*/", at + 2, at);
  }
  if (["?:", "??", ":="].includes(text.slice(at, at + 2))) return 2;
  if (OPERATORS.includes(char)) return 1;
  if (char === '"' || char === "'") return quotedLength(text, at);
  if (char === "`") return to(text, "`", at + 1, at);
  NUMBER.lastIndex = at;
  const number = NUMBER.exec(text);
  if (number) return number[0].length;
  let end = at + 1;
  while (end < text.length && !WHITESPACE.includes(text[end]!) && !OPERATORS.includes(text[end]!)) end++;
  return end - at;
}

function to(text: string, closing: string, from: number, at: number): number {
  const end = text.indexOf(closing, from);
  return (end === -1 ? text.length : end + closing.length) - at;
}

function quotedLength(text: string, at: number): number {
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === "\\") end++;
    else if (text[end] === text[at]) return end + 1 - at;
  }
  return text.length - at;
}
