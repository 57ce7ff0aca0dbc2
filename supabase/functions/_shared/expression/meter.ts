import { EXPRESSION_LIMITS, type ExpressionLimits } from "./limits.ts";
import { ExpressionError } from "./expression_error.ts";

/** Counts what one evaluation uses, and ends it at a limit. The counts depend on nothing but expression and input. */
export class Meter {
  #steps = 0;
  #work = 0;
  #ended: ExpressionError | null = null;
  readonly #startedMs: number;

  constructor(
    readonly limits: ExpressionLimits = EXPRESSION_LIMITS,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.#startedMs = nowMs();
  }

  /** Every further step fails: tasks that an error left behind end with it. */
  end(error: ExpressionError): void {
    this.#ended ??= error;
  }

  /** One node of the syntax tree is evaluated. */
  step(): void {
    if (this.#ended) throw this.#ended;
    if (++this.#steps > this.limits.steps) {
      this.#stop(`The expression takes more than ${this.limits.steps} steps; make it simpler.`);
    }
    if (this.nowMs() - this.#startedMs > this.limits.wallMs) {
      this.#stop(`The expression takes longer than ${this.limits.wallMs} ms; make it simpler.`);
    }
  }

  /** Something natively done is as much work as this many values. */
  spend(work: number): void {
    if (this.#ended) throw this.#ended;
    this.#work += work;
    if (this.#work > this.limits.work) {
      this.#stop("The expression goes through more data than it may; make it simpler.");
    }
  }

  /** Walks a value, refuses one that is too large or too deep, and answers the work it was. */
  weigh(value: unknown): number {
    const since = this.#work;
    if (typeof value === "object" && value !== null) this.#weighNested(value, 0, since);
    else this.#weighScalar(value);
    return this.#work - since;
  }

  /** Ends the evaluation for a reason of the caller's. */
  refuse(sentence: string): never {
    return this.#stop(sentence);
  }

  #weighNested(value: object, depth: number, since: number): void {
    this.spend(1);
    if (isFunctionValue(value)) return;
    if (depth > this.limits.dataDepth) {
      this.#stop(`The expression nests data deeper than ${this.limits.dataDepth} levels; flatten it.`);
    }
    if (Array.isArray(value)) {
      for (const item of value) this.#weighItem(item, depth, since);
      return;
    }
    // Three times as fast as Object.values here; nothing that is weighed inherits fields.
    for (const key in value) {
      const item = (value as Record<string, unknown>)[key];
      if (isFunctionValue(item)) this.refuseFunctionInObject();
      this.#weighItem(item, depth, since);
    }
  }

  #weighItem(item: unknown, depth: number, since: number): void {
    if (typeof item === "object" && item !== null) this.#weighNested(item, depth + 1, since);
    else this.#weighScalar(item);
    if (this.#work - since > this.limits.valueWork) {
      this.#stop("The expression makes a value that is too large; make it smaller.");
    }
  }

  #weighScalar(value: unknown): void {
    this.spend(1);
    if (typeof value === "string") {
      this.spend(value.length >> 3);
      if (value.length > this.limits.textChars) {
        this.#stop(
          `The expression makes a text longer than ${this.limits.textChars} characters; shorten it.`,
        );
      }
    } else if (typeof value === "number" && !Number.isFinite(value)) {
      this.#stop("The expression makes a number that JSON does not have, such as a division by zero.");
    }
  }

  /** An object with a function called `then` would be taken for a promise, and waited for without end. */
  refuseFunctionInObject(): never {
    return this.#stop(
      "The expression puts a function into an object; call it there, or keep it in a variable.",
    );
  }

  #stop(sentence: string): never {
    this.end(new ExpressionError(sentence));
    throw this.#ended;
  }
}

/** Whether JSONata takes the value for a function. */
export function isFunctionValue(value: unknown): boolean {
  if (typeof value === "function") return true;
  if (typeof value !== "object" || value === null) return false;
  const marks = value as Record<string, unknown>;
  return marks._jsonata_function === true || marks._jsonata_lambda === true;
}
