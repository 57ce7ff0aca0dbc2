/**
 * What a transformation may use. A worker has one second of CPU for everything it does, so an expression gets a small
 * part of it; what a mapping of a webhook needs is far below.
 */
export const TRANSFORM_LIMITS = {
  /** Payload before the transformation, as JSON. */
  inputBytes: 262_144,
  /** Payload after it, as JSON. */
  outputBytes: 262_144,
  /** Levels of objects and arrays, on the way in, inside and out. */
  dataDepth: 32,
  /** Text of the expression. */
  expressionChars: 8192,
  /** Size of the syntax tree. */
  treeNodes: 4000,
  treeDepth: 150,
  /** The parser copies the left side of ?: and ??; what it would read then, copies included. */
  parsedChars: 32_768,
  /** Uses of ?: and ?? where the copies cannot be foreseen, because of a bare slash. */
  copiesBesideSlash: 4,
  /** Evaluations of a node of the syntax tree. */
  steps: 20_000,
  /** Evaluations that wait for another one: recursion. */
  stepDepth: 1500,
  /** Values walked by operators and functions; a value counts 1, and a text 1 more for every 8 characters. */
  work: 1_000_000,
  /** One value inside the evaluation, counted the same way, shared parts as often as they appear. */
  valueWork: 150_000,
  /** A text inside the evaluation. */
  textChars: 262_144,
  /** An array made by the expression. */
  arrayItems: 10_000,
  /** Pictures of $formatNumber, $formatInteger and $fromMillis. */
  pictureChars: 64,
  /** The last line, for what none of the counters sees. */
  wallMs: 1000,
} as const;
