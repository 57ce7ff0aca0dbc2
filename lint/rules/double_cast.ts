/**
 * `as unknown as T` and `as never` silence the compiler as `any` does. Where two types of the same thing must meet, the
 * ignore comment carries the reason.
 */
export const doubleCast: Deno.lint.Rule = {
  create(context) {
    return {
      TSAsExpression(node) {
        const viaUnknown = node.expression.type === "TSAsExpression" &&
          /^TS(Unknown|Any|Never)Keyword$/.test(node.expression.typeAnnotation.type);
        const toNever = node.typeAnnotation.type === "TSNeverKeyword";
        if (!viaUnknown && (!toNever || node.parent.type === "TSAsExpression")) return;
        context.report({
          node,
          message:
            "This cast silences the compiler; check the value or type what it comes from. Where that is impossible, say why: // deno-lint-ignore house/double-cast -- <reason>.",
        });
      },
    };
  },
};
