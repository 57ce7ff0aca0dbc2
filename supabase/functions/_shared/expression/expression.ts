import type jsonata from "jsonata";
import { bareCopy } from "./bare_copy.ts";
import { wouldExplode } from "./expression_text.ts";
import { FORBIDDEN_FUNCTIONS, isObjectValue, isRangeEnd, treeObjection } from "./expression_tree.ts";
import { EXPRESSION_LIMITS, type ExpressionLimits, LANGUAGE_LIMITS } from "./limits.ts";
import { isFunctionValue, Meter } from "./meter.ts";
import {
  ALLOWED_FUNCTIONS,
  meteredFunctions,
  namedFunctions,
  type NativeFunction,
} from "./native_functions.ts";
import { failureOf, syntaxSentence } from "./expression_failure.ts";
import { ExpressionError } from "./expression_error.ts";

type Jsonata = typeof jsonata;

interface Engine {
  compile: Jsonata;
  natives: Record<string, NativeFunction>;
}

/** An expression that was checked, ready to run. */
export interface CompiledExpression {
  /** @throws {ExpressionError} at a limit, and for whatever the expression itself does wrong. */
  evaluate(input: unknown): Promise<unknown>;
}

/** Variable that carries the meter into an evaluation; the space keeps expressions from naming it. */
const METER = " meter";
const ENTRY = Symbol.for("jsonata.__evaluate_entry");
const EXIT = Symbol.for("jsonata.__evaluate_exit");

interface Frame {
  base: { meter?: Meter };
  lookup(name: string): unknown;
}

let engine: Promise<Engine> | null = null;

/** JSONata is loaded with the first expression: a worker that has none does not pay for it. */
function loadEngine(): Promise<Engine> {
  engine ??= import("jsonata").then(async ({ default: compile }) => {
    const all = compile(`{${ALLOWED_FUNCTIONS.map((name) => `"${name}": $${name}`).join(",")}}`);
    return { compile, natives: await all.evaluate({}) as Record<string, NativeFunction> };
  }).catch((error) => {
    engine = null;
    throw error;
  });
  return engine;
}

/**
 * Reads an expression and refuses what could not be bounded.
 *
 * @throws {ExpressionError} with a sentence for whoever wrote it.
 */
export async function compileExpression(
  text: string,
  limits: ExpressionLimits = EXPRESSION_LIMITS,
): Promise<CompiledExpression> {
  if (text.length > limits.expressionChars) {
    throw new ExpressionError(`An expression has at most ${limits.expressionChars} characters; shorten it.`);
  }
  if (wouldExplode(text)) {
    throw new ExpressionError(
      "The expression has too many ?: or ?? inside each other; write $exists(x) ? x : y, or use a function.",
    );
  }
  const { compile, natives } = await loadEngine();
  const expression = parse(compile, text, limits);
  // The hooks of JSONata's own debugger; types of the package know names only, not its symbols.
  const assign = expression.assign as (name: string | symbol, value: unknown) => void;
  assign(ENTRY, enter);
  assign(EXIT, leave);
  const named = namedFunctions(natives, text);
  return { evaluate: (input) => evaluate(expression, named, limits, input) };
}

function parse(compile: Jsonata, text: string, limits: ExpressionLimits): jsonata.Expression {
  let expression: jsonata.Expression;
  try {
    expression = compile(text, { stack: LANGUAGE_LIMITS.stepDepth, sequence: limits.arrayItems });
  } catch (error) {
    throw new ExpressionError(syntaxSentence(error, text));
  }
  const objection = treeObjection(expression.ast());
  if (objection) throw new ExpressionError(objection);
  return expression;
}

/** Waiting for this hook at every node is also what keeps recursion off JavaScript's stack. */
function enter(node: { type: string }, input: unknown, frame: Frame): void {
  // The first frame is the base itself, where no variable of the expression can stand in the way.
  const meter = frame.base.meter ??= frame.lookup(METER) as Meter;
  meter.step();
  const walksInput = node.type === "wildcard" || node.type === "descendant" ||
    (node.type === "name" && Array.isArray(input));
  if (walksInput && !isFunctionValue(input)) meter.weigh(input);
}

function leave(node: object, _input: unknown, frame: Frame, result: unknown): void {
  const meter = frame.base.meter!;
  const only = Array.isArray(result) && result.length === 1 ? result[0] : result;
  if (isFunctionValue(only) && isObjectValue(node)) meter.refuseFunctionInObject();
  // Counting up by one never arrives where numbers are further apart.
  if (typeof only === "number" && !Number.isSafeInteger(only) && isRangeEnd(node)) {
    meter.refuse("A range begins or ends with something that is not a whole number, or too large a one.");
  }
  if (!isFunctionValue(result)) meter.weigh(result);
}

async function evaluate(
  expression: jsonata.Expression,
  natives: Record<string, NativeFunction>,
  limits: ExpressionLimits,
  input: unknown,
): Promise<unknown> {
  const meter = new Meter(limits);
  const forbidden = Object.fromEntries(FORBIDDEN_FUNCTIONS.map((name) => [name, undefined]));
  const bindings = { ...forbidden, ...meteredFunctions(natives, meter), [METER]: meter };
  const running = expression.evaluate(bareCopy(input, limits.dataDepth), bindings);
  // Where the wall comes first, nobody waits for this one any more.
  running.catch(() => {});
  const { promise: late, reject } = Promise.withResolvers<never>();
  const wall = setTimeout(
    () => reject(new ExpressionError("The expression never ends; nothing in it makes progress.")),
    limits.wallMs,
  );
  try {
    return await Promise.race([running, late]);
  } catch (error) {
    const failure = failureOf(error, limits);
    meter.end(failure);
    throw failure;
  } finally {
    clearTimeout(wall);
  }
}
