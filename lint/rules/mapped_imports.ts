import rootConfig from "../../deno.json" with { type: "json" };
import functionsConfig from "../../supabase/functions/deno.json" with { type: "json" };
import { placeOf } from "../place.ts";
import { eachSpecifier } from "../specifiers.ts";

const FUNCTIONS = Object.keys(functionsConfig.imports);
const TOOLS = [...Object.keys(rootConfig.imports), ...FUNCTIONS];

/**
 * Modules are files of this project, node: built-ins, or packages mapped and pinned in a deno.json. A function sees the
 * names of supabase/functions/deno.json alone: those of the root are not deployed with it.
 */
export const mappedImports: Deno.lint.Rule = {
  create(context) {
    const inFunctions = placeOf(context.filename).inFunctions !== null;
    const config = inFunctions ? "supabase/functions/deno.json" : "deno.json";
    const names = inFunctions ? FUNCTIONS : TOOLS;
    return eachSpecifier(
      (specifier, node) => {
        if (/^(\.\.?\/|node:)/.test(specifier)) return;
        if (names.some((name) => specifier === name || specifier.startsWith(`${name}/`))) return;
        context.report({
          node,
          message:
            `"${specifier}" is not mapped; import a bare name and map it to an exact npm: version in ${config}.`,
        });
      },
      (node) => {
        if (!inFunctions) return;
        context.report({
          node,
          message: "The bundler cannot see which module this is; import it by a fixed name.",
        });
      },
    );
  },
};
