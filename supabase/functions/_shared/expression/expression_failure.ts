import { type ExpressionLimits, LANGUAGE_LIMITS } from "./limits.ts";
import { ExpressionError } from "./expression_error.ts";

/** What JSONata's codes mean, without the values it would put into its own sentences. */
const SENTENCES: Record<string, string> = {
  D1001: "A number is out of range",
  D1002: "Something that is not a number is negated",
  T1003: "A key of an object is not a text",
  T1005: "Something that is not a function is called; the name of a function begins with $",
  T1006: "Something that is not a function is called",
  T1007: "Something that is not a function is applied; the name of a function begins with $",
  T1008: "Something that is not a function is applied",
  D1009: "Two fields of an object get the same name",
  D1011: `Functions call themselves more than ${LANGUAGE_LIMITS.stepDepth} levels deep`,
  T0410: "A function is given an argument of the wrong kind",
  T0411: "A function without an argument finds the wrong kind of value",
  T0412: "A function is given an array of the wrong kind",
  T2001: "Something that is not a number is calculated with",
  T2002: "Something that is not a number is calculated with",
  T2003: "A range begins with something that is not a whole number",
  T2004: "A range ends with something that is not a whole number",
  T2006: "The right side of ~> is not a function",
  T2007: "Values of different kinds are sorted",
  T2008: "Something that is neither number nor text is sorted",
  T2009: "Values of different kinds are compared",
  T2010: "Something that is neither number nor text is compared",
  D3030: "A value cannot be read as a number",
  D3137: "The expression ends itself with $error",
  D3138: "$single finds more than one item",
  D3139: "$single finds no item",
  D3141: "An $assert of the expression does not hold",
};

/** Any failure of an evaluation as an ExpressionError: JSONata's own sentences hold values of the input. */
export function failureOf(error: unknown, limits: ExpressionLimits): ExpressionError {
  if (error instanceof ExpressionError) return error;
  if (error instanceof RangeError) {
    return new ExpressionError(
      "The expression needs more memory or nests deeper than it may; make it simpler.",
    );
  }
  const { code, position } = partsOf(error);
  const what = code === "D2014" || code === "D2015"
    ? `An array has more than ${limits.arrayItems} items`
    : (code && SENTENCES[code]) ?? "The expression fails";
  const about = [code, position === null ? null : `at character ${position}`].filter((part) => part !== null);
  return new ExpressionError(about.length > 0 ? `${what} (${about.join(", ")}).` : `${what}.`);
}

/** What is wrong with the text of an expression. JSONata's sentence quotes the expression only. */
export function syntaxSentence(error: unknown, text: string): string {
  if (error instanceof RangeError) return "The expression is nested too deep; make it flatter.";
  const { position } = partsOf(error);
  const message =
    typeof error === "object" && error !== null && "message" in error && typeof error.message === "string"
      ? error.message.replace(/\.$/, "")
      : "The expression cannot be read";
  if (position === null) return `${message}.`;
  const before = text.slice(0, position).split("\n");
  return `${message}, near line ${before.length}, column ${before.at(-1)!.length + 1}.`;
}

function partsOf(error: unknown): { code: string | null; position: number | null } {
  const { code, position } = Object(error) as { code?: unknown; position?: unknown };
  return {
    code: typeof code === "string" && /^[SDT]\d{4}$/.test(code) ? code : null,
    position: typeof position === "number" ? position : null,
  };
}
