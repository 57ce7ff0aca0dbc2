/**
 * A transformation gave nothing that can be sent: an error of that delivery, never of the worker. The message is one
 * sentence for the owner of the subscription and holds no value of the payload.
 */
export class TransformError extends Error {
  override readonly name = "TransformError";
  readonly errorClass = "transform_failed";
}
