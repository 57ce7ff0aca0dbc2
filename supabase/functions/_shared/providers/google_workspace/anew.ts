import { ProviderError } from "../provider_error.ts";
import type { Page } from "../source.ts";

/** Times that a pass begins anew because a page token had ended: they live for hours. */
const MAX_RESTARTS = 3;

const isExpired = (error: unknown) => error instanceof ProviderError && error.errorClass === "cursor_expired";

/**
 * A step of a listing; where its page token has ended, the listing begins anew.
 *
 * @param restarts - how often this pass has begun anew already.
 * @throws {ProviderError} malformed_answer when page tokens end again and again.
 */
export async function orAnew(
  api: string,
  restarts: number,
  step: () => Promise<Page>,
  anew: (restarts: number) => Promise<Page>,
): Promise<Page> {
  try {
    return await step();
  } catch (error) {
    if (!isExpired(error)) throw error;
    if (restarts < MAX_RESTARTS) return await anew(restarts + 1);
    throw new ProviderError("malformed_answer", `${api} keeps refusing the page tokens that it gives.`);
  }
}

/** A page of a search, by its page token; where that has ended, the search's first page. */
export async function orFirstPage<Found>(
  token: string | null,
  search: (token: string | null) => Promise<Found>,
): Promise<Found> {
  try {
    return await search(token);
  } catch (error) {
    if (!isExpired(error)) throw error;
    return await search(null);
  }
}
