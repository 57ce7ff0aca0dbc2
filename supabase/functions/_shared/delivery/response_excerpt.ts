/** First bytes of an answer that are kept with the attempt. */
export const EXCERPT_BYTES = 1024;

/**
 * The beginning of an answer as text that may be stored: what the receiver echoed of our secrets is masked, and no
 * control character is left that a column of text would refuse or a terminal obey. Null for an empty answer.
 *
 * @param secrets - texts of ours that must not be kept, in any letter case a receiver may have made of them.
 */
export function responseExcerpt(body: Uint8Array, secrets: string[]): string | null {
  if (body.length === 0) return null;
  let text = new TextDecoder().decode(body.subarray(0, EXCERPT_BYTES));
  for (const secret of secrets) {
    text = text.replace(new RegExp(secret.replace(/[^0-9A-Za-z]/g, "\\$&"), "gi"), "[masked]");
    text = withoutCutSecret(text, secret);
  }
  // deno-lint-ignore no-control-regex -- exactly these are to go
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, "\ufffd");
}

/** A secret cut off by the end of the excerpt is still most of a secret. */
function withoutCutSecret(text: string, secret: string): string {
  const [lowerText, lowerSecret] = [text.toLowerCase(), secret.toLowerCase()];
  for (let length = Math.min(secret.length - 1, text.length); length >= 8; length--) {
    if (lowerText.endsWith(lowerSecret.slice(0, length))) return `${text.slice(0, -length)}[masked]`;
  }
  return text;
}
