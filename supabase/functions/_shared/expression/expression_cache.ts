import { type CompiledExpression, compileExpression } from "./expression.ts";
import { ExpressionError } from "./expression_error.ts";
import type { ExpressionLimits } from "./limits.ts";

/** Expressions kept ready, by the room that uses them; the one used longest ago leaves. */
export class ExpressionCache {
  readonly #expressions = new Map<string, Promise<CompiledExpression>>();

  constructor(private readonly limits: ExpressionLimits, private readonly kept: number) {}

  /** @throws {ExpressionError} when the text is no expression that may be used. */
  compiled(text: string): Promise<CompiledExpression> {
    const known = this.#expressions.get(text);
    const expression = known ?? compileExpression(text, this.limits);
    this.#expressions.delete(text);
    this.#expressions.set(text, expression);
    if (!known) {
      // A text that is wrong stays wrong; only a failure to load may pass.
      expression.catch((error) => error instanceof ExpressionError || this.#expressions.delete(text));
      if (this.#expressions.size > this.kept) {
        this.#expressions.delete(this.#expressions.keys().next().value!);
      }
    }
    return expression;
  }
}
