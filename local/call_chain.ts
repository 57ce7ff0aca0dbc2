import { AsyncLocalStorage } from "node:async_hooks";

/** Says to which chain of calls a request belongs. A client that sets it limits itself alone. */
export const CHAIN_HEADER = "x-interlock-chain";
/** On a 429 of the gateway: milliseconds until the chain may call again. */
export const CHAIN_WAIT_HEADER = "x-interlock-chain-wait-ms";

/** What the platform's `fetch` throws in a function whose chain has no calls left. */
class RateLimitError extends Error {
  override name = "RateLimitError";

  constructor(chain: string, readonly retryAfterMs: number) {
    super(`Chain ${chain} has used its calls to other functions; try again in ${retryAfterMs} ms.`);
  }
}

/**
 * Makes calls of this process to other functions carry the chain of the request they are made for, background work
 * included, and throws `Deno.errors.RateLimitError` when the gateway says the chain is spent, as the platform does.
 *
 * @param functionsUrl - where functions are called; `fetch` of anything else is left alone.
 * @returns what has to run each request.
 */
export function followCallChains(
  functionsUrl: string,
): <Result>(request: Request, work: () => Result) => Result {
  const chains = new AsyncLocalStorage<string>();
  const plainFetch = globalThis.fetch;
  const chainedFetch = async (
    input: Request | URL | string,
    init: RequestInit | undefined,
    chain: string,
  ) => {
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
    headers.set(CHAIN_HEADER, chain);
    const response = await plainFetch(input, { ...init, headers });
    const waitMs = response.headers.get(CHAIN_WAIT_HEADER);
    if (waitMs === null) return response;
    await response.body?.cancel();
    throw new RateLimitError(chain, Number(waitMs));
  };
  Object.assign(Deno.errors, { RateLimitError });
  globalThis.fetch = (input: Request | URL | string, init?: RequestInit) => {
    const chain = chains.getStore();
    const url = input instanceof Request ? input.url : String(input);
    if (chain === undefined || !url.startsWith(functionsUrl)) return plainFetch(input, init);
    return chainedFetch(input, init, chain);
  };
  return (request, work) => {
    const chain = request.headers.get(CHAIN_HEADER);
    return chain === null ? work() : chains.run(chain, work);
  };
}
