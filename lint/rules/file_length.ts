import { placeOf } from "../place.ts";

const MAX_LINES = 300;

/** A file that fits into a reader's head. A test is a list of steps and may be longer. */
export const fileLength: Deno.lint.Rule = {
  create(context) {
    const { path } = placeOf(context.filename);
    if (path.startsWith("tests/")) return {};
    return {
      Program() {
        const lines = context.sourceCode.text.trimEnd().split("\n").length;
        if (lines <= MAX_LINES) return;
        context.report({
          range: [0, 0],
          message: `${path} has ${lines} lines, ${MAX_LINES} are allowed; split it by what its parts say.`,
        });
      },
    };
  },
};
