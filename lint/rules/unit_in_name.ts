import { placeOf } from "../place.ts";

/** Words of a name that ask "how long?" or "how many bytes?". */
const DURATION = /^(timeout|delay|ttl|interval|duration|lifetime|backoff|cooldown)s?$/;
const UNIT = /^(ms|millis|milliseconds|s|seconds|minutes|hours|days|bytes|kib|mib)$/;
const BYTES = /^(max|min)_(body|payload)$|^(body|payload|memory|heap)_(limit|max|size)$/;

/**
 * A number that is a duration or a size says its unit: timeoutMs, bodyLimitBytes. Only names of our own are judged;
 * an object handed straight to a call has the names its callee wants.
 */
export const unitInName: Deno.lint.Rule = {
  create(context) {
    if (placeOf(context.filename).inFunctions === null) return {};
    const check = (name: Deno.lint.Node, isNumber: boolean) => {
      if (name.type !== "Identifier" || !isNumber || !lacksUnit(name.name)) return;
      context.report({
        node: name,
        message: `"${name.name}" does not say its unit; end the name in Ms, Seconds or Bytes.`,
      });
    };
    return {
      VariableDeclarator: (node) => check(node.id, isNumeric(node.init) || hasNumberType(node.id)),
      TSPropertySignature: (node) => check(node.key, hasNumberType(node)),
      PropertyDefinition: (node) => check(node.key, hasNumberType(node) || isNumeric(node.value)),
      AssignmentPattern: (node) => check(node.left, isNumeric(node.right)),
      Property(node) {
        if (node.parent.parent?.type !== "VariableDeclarator") return;
        check(node.key, isNumeric(node.value as Deno.lint.Node));
      },
      ":matches(FunctionDeclaration, FunctionExpression, ArrowFunctionExpression) > Identifier"(
        node: Deno.lint.Identifier,
      ) {
        check(node, hasNumberType(node));
      },
    };
  },
};

function lacksUnit(name: string): boolean {
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase().split("_").filter(Boolean);
  if (UNIT.test(words.at(-1) ?? "")) return false;
  return words.some((word, index) => DURATION.test(word) || BYTES.test(`${word}_${words[index + 1]}`));
}

/** A number, or arithmetic on numbers. */
function isNumeric(node: Deno.lint.Node | null): boolean {
  if (node?.type === "Literal") return typeof node.value === "number";
  return node?.type === "BinaryExpression" && /^(\*|\/|-|\+|\*\*)$/.test(node.operator) &&
    isNumeric(node.left) && isNumeric(node.right);
}

function hasNumberType(node: Deno.lint.Node): boolean {
  const annotation = "typeAnnotation" in node ? node.typeAnnotation : null;
  return annotation?.type === "TSTypeAnnotation" && annotation.typeAnnotation.type === "TSNumberKeyword";
}
