const MAX_ECHO_LENGTH = 4096;

/**
 * The answer that sends a provider's word back. Plain text that no browser takes for a page, and no longer than a word:
 * whoever knows the address can have this answer show anything.
 */
export function echo(word: string | null): Response | null {
  if (word === null || word === "" || word.length > MAX_ECHO_LENGTH) return null;
  return new Response(word, {
    headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
  });
}

/** The answer to a check that wants nothing but a good status. */
export function checked(): Response {
  return Response.json({ success: true });
}
