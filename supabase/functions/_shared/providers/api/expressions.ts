import { ExpressionCache } from "../../expression/expression_cache.ts";
import { ExpressionError } from "../../expression/expression_error.ts";
import { EXPRESSION_LIMITS, type ExpressionLimits } from "../../expression/limits.ts";
import { follow, namePath } from "../../expression/name_path.ts";
import { plainResult } from "../../expression/plain_result.ts";
import { inTurn } from "../../expression/turns.ts";
import { ProviderError } from "../provider_error.ts";
import { MAX_EXPRESSION_CHARS } from "./setting_texts.ts";

/** A page has up to a thousand records; what is done with one of them is far below. */
const PAGE_LIMITS: ExpressionLimits = {
  ...EXPRESSION_LIMITS,
  expressionChars: MAX_EXPRESSION_CHARS,
  steps: 100_000,
  work: 10_000_000,
  valueWork: 3_000_000,
  textChars: 1_000_000,
};

/** Expressions that are kept ready in this process. */
const KEPT_EXPRESSIONS = 256;
/** For all expressions over one page and its records together: no page may take a worker's second. */
const PAGE_BUDGET_MS = 2000;

const cache = new ExpressionCache(PAGE_LIMITS, KEPT_EXPRESSIONS);

/** Evaluates the expressions of one page: what they take together is bounded. */
export class PageExpressions {
  #spentMs = 0;

  /**
   * @throws {ExpressionError} for a record or answer that the expression cannot be used on.
   * @throws {ProviderError} misconfigured when the page's expressions take too long together.
   */
  async evaluate(text: string, input: unknown): Promise<unknown> {
    const names = namePath(text);
    const followed = names && follow(names, input);
    if (followed) return followed.found;
    const expression = await cache.compiled(text);
    return await inTurn(async () => {
      const startedMs = performance.now();
      try {
        return plainResult(await expression.evaluate(input));
      } finally {
        this.#spend(performance.now() - startedMs);
      }
    });
  }

  #spend(elapsedMs: number): void {
    this.#spentMs += elapsedMs;
    if (this.#spentMs <= PAGE_BUDGET_MS) return;
    throw new ProviderError(
      "misconfigured",
      "The expressions take too long for a page of records; make them simpler, or the pages smaller.",
    );
  }
}

/** What is wrong with an expression, as a sentence; null = it can be used. */
export async function expressionProblem(text: string): Promise<string | null> {
  try {
    await cache.compiled(text);
    return null;
  } catch (error) {
    if (error instanceof ExpressionError) return error.message;
    throw error;
  }
}
