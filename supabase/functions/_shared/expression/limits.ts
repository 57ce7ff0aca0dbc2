/** What one evaluation may use; the counts depend on nothing but expression and input. */
export interface ExpressionLimits {
  /** Levels of objects and arrays, on the way in, inside and out. */
  dataDepth: number;
  /** Text of the expression. */
  expressionChars: number;
  /** Evaluations of a node of the syntax tree. */
  steps: number;
  /** Values walked by operators and functions; a value counts 1, and a text 1 more for every 8 characters. */
  work: number;
  /** One value inside the evaluation, counted the same way, shared parts as often as they appear. */
  valueWork: number;
  /** A text inside the evaluation. */
  textChars: number;
  /** An array made by the expression. */
  arrayItems: number;
  /** The last line, for what none of the counters sees. */
  wallMs: number;
}

/** What a small input needs. A worker has one second of CPU for everything it does, so an expression gets a part of it. */
export const EXPRESSION_LIMITS: ExpressionLimits = {
  dataDepth: 32,
  expressionChars: 8192,
  steps: 20_000,
  work: 1_000_000,
  valueWork: 150_000,
  textChars: 262_144,
  arrayItems: 10_000,
  wallMs: 1000,
};

/** Limits of the parser and of single functions, the same wherever an expression is used. */
export const LANGUAGE_LIMITS = {
  /** Size of the syntax tree. */
  treeNodes: 4000,
  treeDepth: 150,
  /** The parser copies the left side of ?: and ??; what it would read then, copies included. */
  parsedChars: 32_768,
  /** Uses of ?: and ?? where the copies cannot be foreseen, because of a bare slash. */
  copiesBesideSlash: 4,
  /** Evaluations that wait for another one: recursion. */
  stepDepth: 1500,
  /** Pictures of $formatNumber, $formatInteger and $fromMillis. */
  pictureChars: 64,
} as const;
