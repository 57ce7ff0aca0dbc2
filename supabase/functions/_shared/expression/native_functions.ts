import { LANGUAGE_LIMITS as LIMITS } from "./limits.ts";
import { isFunctionValue, type Meter } from "./meter.ts";
import { bareCopy } from "./bare_copy.ts";

/** A function as JSONata keeps it. */
export interface NativeFunction {
  _jsonata_function: true;
  implementation: (this: unknown, ...args: unknown[]) => unknown;
  signature?: unknown;
  arity?: number;
}

/** Looks at the arguments of a call, and the work they are, before it is made. */
type Guard = (meter: Meter, args: unknown[], work: number) => void;

const UNGUARDED = [
  ...["sum", "count", "max", "min", "average", "substring", "substringBefore", "substringAfter"],
  ...[
    "lowercase",
    "uppercase",
    "length",
    "trim",
    "formatBase",
    "number",
    "floor",
    "ceil",
    "round",
    "abs",
    "sqrt",
  ],
  ...[
    "power",
    "boolean",
    "not",
    "map",
    "filter",
    "single",
    "reduce",
    "sift",
    "keys",
    "lookup",
    "append",
    "exists",
  ],
  ...[
    "merge",
    "reverse",
    "each",
    "error",
    "assert",
    "type",
    "base64encode",
    "base64decode",
    "encodeUrlComponent",
  ],
  ...["encodeUrl", "decodeUrlComponent", "decodeUrl"],
];

const GUARDED: Record<string, Guard> = {
  string: (meter, _args, work) => meter.spend(work),
  pad(meter, [, width, char]) {
    const unit = typeof char === "string" ? Math.max(1, char.length) : 1;
    if (Math.abs(width as number) * unit > meter.limits.textChars) refuseText(meter);
  },
  join(meter, [texts, separator]) {
    const size = Array.isArray(texts) && typeof separator === "string" ? texts.length * separator.length : 0;
    if (size > meter.limits.textChars) refuseText(meter);
  },
  contains: onlyTexts,
  split: onlyTexts,
  replace(meter, args, work) {
    onlyTexts(meter, args, work);
    const [text, pattern, replacement] = args;
    if (typeof text !== "string" || typeof pattern !== "string" || typeof replacement !== "string") return;
    meter.spend(text.length >> 1);
    const found = pattern === "" ? 0 : text.split(pattern).length - 1;
    if (text.length + found * replacement.length > meter.limits.textChars) refuseText(meter);
  },
  // These compare or copy all with all.
  distinct: (meter, [items], work) => meter.spend(Array.isArray(items) ? items.length * work : 0),
  sort: (meter, [items]) => meter.spend(Array.isArray(items) ? items.length ** 2 : 0),
  spread: (meter, [items]) => meter.spend(Array.isArray(items) ? items.length ** 2 : 0),
  zip(meter, args) {
    if (args.length === 0) meter.refuse("$zip needs at least one array.");
  },
  formatNumber(meter, [, picture, options]) {
    shortPicture(meter, picture);
    if (options !== undefined) meter.refuse("$formatNumber takes a number and a picture here, no options.");
    // The loop for the exponent never ends for zero.
    if (String(picture).includes("e")) meter.refuse("A picture of $formatNumber cannot have an exponent.");
  },
  formatInteger(meter, [value, picture]) {
    shortPicture(meter, picture);
    const most = /[Ii]/.test(String(picture)) ? 10_000 : 1e15;
    if (Math.abs(value as number) > most) {
      meter.refuse(`$formatInteger takes at most ${most} with this picture.`);
    }
  },
  fromMillis(meter, [millis, picture]) {
    shortPicture(meter, picture);
    if (Math.abs(millis as number) > 8.64e15) {
      meter.refuse("$fromMillis is given a time that no calendar has.");
    }
    if (/,[^\]]*\d{3}/.test(String(picture))) meter.refuse("A width in a picture has at most two digits.");
  },
};

/** Functions that are ours, because JSONata's own depend on the machine or make objects with a prototype. */
const REPLACED: Record<string, (meter: Meter, args: unknown[]) => unknown> = {
  clone: (meter, [value]) => bareCopy(value, meter.limits.dataDepth),
  toMillis(meter, [text, picture]) {
    if (picture !== undefined) {
      meter.refuse("$toMillis takes ISO 8601 only; a picture becomes a regular expression.");
    }
    if (text === undefined) return undefined;
    const parts = /^\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?)?)?(Z|[+-]\d\d:?\d\d)?$/.exec(
      String(text),
    );
    const hasTime = parts?.[3] !== undefined;
    // Without a zone JavaScript would take the machine's.
    const millis = parts ? Date.parse(hasTime && !parts[6] ? `${text}Z` : String(text)) : NaN;
    if (Number.isNaN(millis)) meter.refuse("$toMillis is given a text that is not an ISO 8601 time.");
    return millis;
  },
};

/** The functions an expression may call. */
export const ALLOWED_FUNCTIONS = [...UNGUARDED, ...Object.keys(GUARDED), ...Object.keys(REPLACED)];

/**
 * Those of the functions that a text may name; to make all of them ready for an evaluation takes ten times as long as most
 * evaluations do. What a text does not name, an expression cannot reach: there is no $eval, and of its own JSONata only looks
 * for $clone, for a transform (`|...|...|`).
 */
export function namedFunctions(
  natives: Record<string, NativeFunction>,
  text: string,
): Record<string, NativeFunction> {
  return Object.fromEntries(
    Object.entries(natives).filter(([name]) => name === "clone" || text.includes(name)),
  );
}

/** JSONata's functions, each of them counted: arguments before a call, the result after it. */
export function meteredFunctions(
  natives: Record<string, NativeFunction>,
  meter: Meter,
): Record<string, NativeFunction> {
  return Object.fromEntries(
    Object.entries(natives).map(([name, native]) => [name, metered(name, native, meter)]),
  );
}

function metered(name: string, native: NativeFunction, meter: Meter): NativeFunction {
  const guard = Object.hasOwn(GUARDED, name) ? GUARDED[name] : undefined;
  const replaced = Object.hasOwn(REPLACED, name) ? REPLACED[name] : undefined;
  const checked = (result: unknown): unknown => {
    if (!isFunctionValue(result)) meter.weigh(result);
    return result;
  };
  function call(this: unknown, ...args: unknown[]): unknown {
    meter.step();
    const work = args.reduce((sum: number, arg) => sum + (isFunctionValue(arg) ? 0 : meter.weigh(arg)), 0);
    guard?.(meter, args, work);
    const result = replaced ? replaced(meter, args) : native.implementation.apply(this, args);
    return result instanceof Promise ? result.then(checked) : checked(result);
  }
  // Partial application reads the names of the parameters from the source of the function.
  call.toString = () => native.implementation.toString();
  return {
    _jsonata_function: true,
    implementation: call,
    signature: native.signature,
    arity: native.implementation.length,
  };
}

function onlyTexts(meter: Meter, args: unknown[], _work: number): void {
  if (args.some(isFunctionValue)) {
    meter.refuse("$contains, $split and $replace take texts here; patterns and functions cannot be used.");
  }
}

function shortPicture(meter: Meter, picture: unknown): void {
  if (typeof picture === "string" && picture.length > LIMITS.pictureChars) {
    meter.refuse(`A picture has at most ${LIMITS.pictureChars} characters.`);
  }
}

function refuseText(meter: Meter): never {
  return meter.refuse(
    `The expression makes a text longer than ${meter.limits.textChars} characters; shorten it.`,
  );
}
