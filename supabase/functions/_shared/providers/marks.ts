import type { SignedRequest } from "./webhook_scheme.ts";

/** By what a provider's requests are told from others, before any of its code is loaded: any one of these. */
export interface Marks {
  /** Headers; with a pattern where only some of their values count. */
  headers?: (string | [name: string, value: RegExp])[];
  /** Parameters of the address. */
  query?: string[];
  /** A text in the body, for providers whose requests look like any other's from outside. */
  bodyText?: string;
}

/** Whether a request carries one of the marks. */
export function carries({ headers = [], query = [], bodyText }: Marks, request: SignedRequest): boolean {
  const inHeaders = headers.some((mark) =>
    typeof mark === "string" ? request.headers.has(mark) : mark[1].test(request.headers.get(mark[0]) ?? "")
  );
  if (inHeaders) return true;
  if (query.length > 0) {
    const { searchParams } = new URL(request.url);
    if (query.some((name) => searchParams.has(name))) return true;
  }
  return bodyText !== undefined && mentions(request.body, bodyText);
}

/**
 * Whether a text stands in a body. Providers that put their token into the body ask this before they parse what nobody has
 * verified, so that a request to one of their webhooks costs no more than one to a webhook that does not exist.
 */
export function mentions(body: Uint8Array, text: string): boolean {
  return new TextDecoder().decode(body).includes(text);
}
