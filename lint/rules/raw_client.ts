import { placeOf } from "../place.ts";
import { eachSpecifier } from "../specifiers.ts";

/** What makes a client that knows no tenant. */
const MAKERS = new Set(["createClient", "createAdminClient", "createContextClient"]);
const MAKER_MODULES = /^(npm:)?(postgres|@supabase\/server\/middleware\/postgres)(@|\/|$)/;
const MESSAGE =
  "A raw client knows no tenant and is made in _shared/db only; take access.db, tenantDb() or a client of _shared/db/clients.ts.";

/** Raw database clients are made in _shared/db only, so that one folder is to be read for who may see what. */
export const rawClient: Deno.lint.Rule = {
  create(context) {
    const { inFunctions, inShared } = placeOf(context.filename);
    if (inFunctions === null || inShared?.startsWith("db/")) return {};
    const reported = new Set<number>();
    // An import without "as" is two identifiers at one place.
    const report = (node: Deno.lint.Node) => {
      if (reported.has(node.range[0])) return;
      reported.add(node.range[0]);
      context.report({ node, message: MESSAGE });
    };
    return {
      ...eachSpecifier((specifier, node) => {
        if (MAKER_MODULES.test(specifier)) report(node);
      }),
      Identifier(node) {
        if (MAKERS.has(node.name)) report(node);
      },
      NewExpression(node) {
        if (node.callee.type === "Identifier" && /^(Supabase|Postgrest)Client$/.test(node.callee.name)) {
          report(node);
        }
      },
    };
  },
};
