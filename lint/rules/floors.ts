import { type Place, placeOf, placeOfImport } from "../place.ts";
import { eachSpecifier } from "../specifiers.ts";

/** Floor of every room of _shared, ground floor first; a new room needs a line. */
const FLOORS: Record<string, number> = {
  ...{ errors: 0, crypto: 0, json: 0, retry: 0, clock: 0, env: 0, fault_point: 0, log: 0, runtime: 0 },
  ...{ db: 1, events: 1, expression: 1, drain: 2, guardrails: 2, providers: 3 },
  ...{ connectors: 4, delivery: 4, inbound: 4, meta: 4, sync: 4, http: 5 },
  ...{ deliveries: 6, subscriptions: 6, syncs: 6 },
};

/**
 * A room of _shared imports from its own floor and those below, and knows no function; a function imports from
 * _shared and from its own folder. So what is shared can be read from the ground up, and functions part one by one.
 */
export const floors: Deno.lint.Rule = {
  create(context) {
    const from = placeOf(context.filename);
    if (from.inFunctions === null) return {};
    return {
      Program(node) {
        const room = roomOf(from);
        if (room === null || room in FLOORS) return;
        const range: Deno.lint.Range = [node.range[0], node.range[0]];
        context.report({
          range,
          message: `The room "${room}" of _shared has no floor; give it one in lint/rules/floors.ts.`,
        });
      },
      ...eachSpecifier((specifier, node) => {
        if (!specifier.startsWith(".")) return;
        const message = objection(from, placeOfImport(from, specifier));
        if (message) context.report({ node, message });
      }),
    };
  },
};

/** A room is a folder of _shared, or a file beside them; a file opens the folder of its name. */
function roomOf(place: Place): string | null {
  return place.inShared === null ? null : place.inShared.split("/")[0]!.replace(/\.ts$/, "");
}

function objection(from: Place, to: Place): string | null {
  const [fromRoom, toRoom] = [roomOf(from), roomOf(to)];
  if (fromRoom === null) {
    const folder = (place: Place) => place.inFunctions?.split("/")[0];
    if (toRoom !== null || (to.inFunctions?.includes("/") && folder(to) === folder(from))) return null;
    return `A function imports from _shared and from its own folder only; move what ${to.path} offers into _shared.`;
  }
  if (toRoom === null) return `_shared knows no function; move what ${to.path} offers into _shared.`;
  if (fromRoom === toRoom) return null;
  const [fromFloor, toFloor] = [FLOORS[fromRoom], FLOORS[toRoom]];
  // A room without a floor is reported where it stands.
  if (fromFloor === undefined || toFloor === undefined || toFloor <= fromFloor) return null;
  return `${fromRoom} (floor ${fromFloor}) must not import from ${toRoom} (floor ${toFloor}); move what both need to floor ${fromFloor} or below, or pass it in.`;
}
