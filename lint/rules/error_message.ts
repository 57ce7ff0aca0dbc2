import { placeOf } from "../place.ts";
import { textOf } from "../specifiers.ts";

/** Errors whose message is read by people as it stands, with the argument it is. */
const SENTENCES: Record<string, number> = { InterlockError: 1, StackError: 0 };
/** Errors whose message is quoted in a log line or in a sentence like `secret: <message>.` */
const PLAIN: Record<string, number> = { Error: 0, TypeError: 0, RangeError: 0 };
/** Folders whose plain errors are judged; a test throws what it likes. */
const JUDGED = /^(supabase|local|simulators|lint)\//;

const SECRET = /(^|[a-z_])(token|secret|password|credential|authorization|bearer)s?$/i;
const SECRET_KEY = /^(api|hub|secret|private|signing|service|hmac|encryption)_?key$/i;

/**
 * An error's message is one clear sentence. What the API answers ends with a period; a plain error does not, because it
 * is quoted. No message holds the value of a secret: messages are logged and answered.
 */
export const errorMessage: Deno.lint.Rule = {
  create(context) {
    const { path } = placeOf(context.filename);
    return {
      NewExpression(node) {
        if (node.callee.type !== "Identifier") return;
        const { name } = node.callee;
        const isSentence = name in SENTENCES;
        if (!isSentence && !(name in PLAIN)) return;
        const message = node.arguments[isSentence ? SENTENCES[name]! : PLAIN[name]!];
        if (!message) {
          context.report({ node, message: `Give this ${name} a message: one clear sentence.` });
          return;
        }
        for (const secret of secretsIn(message)) {
          context.report({
            node: secret,
            message:
              "This would put a secret into a message, which is logged; name the secret, do not show it.",
          });
        }
        if (!isSentence && !JUDGED.test(path)) return;
        for (const part of alternatives(message)) {
          const fault = faultOf(part, isSentence);
          if (fault) context.report({ node: part, message: fault });
        }
      },
    };
  },
};

function faultOf(message: Deno.lint.Node, isSentence: boolean): string | null {
  const { start, end } = edgesOf(message);
  // `field: what is wrong.` is how an answer speaks of one field; quotes and options stand for a name.
  if (start !== null && !/^(\p{Lu}|["'`-]|[a-z_]+: )/u.test(start)) {
    return "A message is a sentence: begin it with a capital letter.";
  }
  if (end === null) return null;
  if (isSentence) return /\.$/.test(end) ? null : "A message is a sentence: end it with a period.";
  return /[.!]$/.test(end)
    ? "End a plain error without a period: it is quoted in other sentences. What people read is an InterlockError or a StackError."
    : null;
}

/** The texts a message begins and ends with; null where an expression stands, or all is one. */
function edgesOf(node: Deno.lint.Node): { start: string | null; end: string | null } {
  const text = textOf(node);
  if (text !== null) return { start: text, end: text };
  if (node.type === "TemplateLiteral") {
    return { start: node.quasis[0]!.cooked || null, end: node.quasis.at(-1)!.cooked || null };
  }
  if (node.type === "BinaryExpression" && node.operator === "+") {
    return { start: edgesOf(node.left).start, end: edgesOf(node.right).end };
  }
  return { start: null, end: null };
}

function alternatives(node: Deno.lint.Node): Deno.lint.Node[] {
  if (node.type === "ConditionalExpression") {
    return [...alternatives(node.consequent), ...alternatives(node.alternate)];
  }
  return [node];
}

/** Names of secrets whose values a message would show; what is asked of them, like a length, shows nothing. */
function secretsIn(node: Deno.lint.Node): Deno.lint.Node[] {
  const each = (nodes: Deno.lint.Node[]) => nodes.flatMap(secretsIn);
  switch (node.type) {
    case "Identifier":
      return SECRET.test(node.name) || SECRET_KEY.test(node.name) ? [node] : [];
    case "MemberExpression":
      return secretsIn(node.property);
    case "TemplateLiteral":
      return each(node.expressions);
    case "BinaryExpression":
      return node.operator === "+" ? each([node.left as Deno.lint.Node, node.right]) : [];
    case "ConditionalExpression":
      return each([node.consequent, node.alternate]);
    case "LogicalExpression":
      return each([node.left, node.right]);
    case "TSAsExpression":
    case "TSNonNullExpression":
      return secretsIn(node.expression);
    case "CallExpression":
      return each([
        ...node.callee.type === "MemberExpression" ? [node.callee.object] : [],
        ...node.arguments,
      ]);
    default:
      return [];
  }
}
