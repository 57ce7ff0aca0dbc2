import { EXPRESSION_LIMITS } from "../../expression/limits.ts";

/** What a transformation may use; what a mapping of a webhook needs is far below. */
export const TRANSFORM_LIMITS = {
  ...EXPRESSION_LIMITS,
  /** Payload before the transformation, as JSON. */
  inputBytes: 262_144,
  /** Payload after it, as JSON. */
  outputBytes: 262_144,
} as const;
