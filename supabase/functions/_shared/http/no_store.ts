/** Headers of an answer that shows a secret: nobody between us and the reader keeps it. */
export const NO_STORE = { "cache-control": "no-store" };
