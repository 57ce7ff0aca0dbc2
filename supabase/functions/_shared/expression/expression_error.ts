/**
 * An expression cannot be used, or gave nothing within its limits. The message is one sentence for whoever wrote it and
 * holds no value of the input.
 */
export class ExpressionError extends Error {
  override readonly name = "ExpressionError";
}
