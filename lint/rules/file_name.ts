import { basename } from "node:path";
import { placeOf } from "../place.ts";

const BUCKETS = /^(utils?|helpers?|common|misc|types)\.ts$/;

/** A file says one thing and is named after it; in a file named utils.ts nobody looks for anything. */
export const fileName: Deno.lint.Rule = {
  create(context) {
    const name = basename(placeOf(context.filename).path);
    const message = BUCKETS.test(name)
      ? `${name} can hold anything; name the file after the one thing it says.`
      : name.endsWith(".ts") && !/^[a-z0-9_]+(\.types)?\.ts$/.test(name)
      ? `${name} is not in snake_case, as files are named here; rename it.`
      : null;
    if (message === null) return {};
    return {
      Program: (node) => context.report({ range: [node.range[0], node.range[0]], message }),
    };
  },
};
