import { placeOf } from "../place.ts";
import { textOf } from "../specifiers.ts";

/** Who may call a route stands in it, in plain sight: no default, no variable, no route beside route(). */
export const routeAuth: Deno.lint.Rule = {
  create(context) {
    const { inFunctions, inShared } = placeOf(context.filename);
    if (inFunctions === null) return {};
    // The tables of contents stand in the functions; _shared makes lists of what they list.
    const isTable = inShared === null;
    return {
      CallExpression(node) {
        if (isCallOf(node, "route")) checkRoute(context, node);
        if (isTable && isCallOf(node, "createFunction")) {
          checkList(context, propertyOf(node.arguments[0], "routes"));
        }
      },
      VariableDeclarator(node) {
        if (isTable && node.id.type === "Identifier" && /^routes$|Routes$/.test(node.id.name)) {
          checkList(context, node.init);
        }
      },
    };
  },
};

function isCallOf(node: Deno.lint.Node, name: string): node is Deno.lint.CallExpression {
  return node.type === "CallExpression" && node.callee.type === "Identifier" && node.callee.name === name;
}

function checkRoute(context: Deno.lint.RuleContext, node: Deno.lint.CallExpression): void {
  const definition = node.arguments[0];
  if (definition?.type !== "ObjectExpression") {
    context.report({ node, message: "Write the definition of a route into its route() call, auth and all." });
    return;
  }
  const auth = propertyOf(definition, "auth");
  if (auth === null) {
    context.report({
      node,
      message:
        'This route does not say who may call it; add auth: "user", "service", "user_or_service" or "public".',
    });
  } else if (textOf(auth) === null) {
    context.report({
      node: auth,
      message: "Write auth as a plain string, so that a reader sees who may call this route.",
    });
  }
  for (const property of definition.properties) {
    if (property.type !== "SpreadElement") continue;
    context.report({
      node: property,
      message: "A spread could change auth unseen; write the route's properties out.",
    });
  }
}

/** A list of routes holds route() calls and other lists, which are checked where they are written. */
function checkList(context: Deno.lint.RuleContext, list: Deno.lint.Node | null): void {
  if (list?.type !== "ArrayExpression") return;
  for (const element of list.elements as (Deno.lint.Node | null)[]) {
    if (element === null || element.type === "SpreadElement" || isCallOf(element, "route")) continue;
    context.report({
      node: element,
      message: "Make every route with route({...}), which asks for its auth.",
    });
  }
}

function propertyOf(node: Deno.lint.Node | undefined, name: string): Deno.lint.Node | null {
  if (node?.type !== "ObjectExpression") return null;
  for (const property of node.properties) {
    if (property.type !== "Property" || property.computed) continue;
    const key = property.key.type === "Identifier" ? property.key.name : textOf(property.key);
    if (key === name) return property.value;
  }
  return null;
}
