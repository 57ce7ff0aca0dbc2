/** First bytes of an answer that are kept with the attempt. */
export const EXCERPT_BYTES = 1024;
/** Less than this of a secret says nothing of it. */
const SHORTEST_CUT = 8;

const decoder = new TextDecoder();
// deno-lint-ignore no-control-regex -- exactly these are to go
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;

/**
 * The beginning of an answer as text that may be stored: what the receiver echoed of our secrets is masked, and no
 * control character is left that a column of text would refuse or a terminal obey. Null for an empty answer.
 *
 * @param secrets - texts of ours that must not be kept, in any letter case a receiver may have made of them.
 */
export function responseExcerpt(body: Uint8Array, secrets: string[]): string | null {
  if (body.length === 0) return null;
  let text = decoder.decode(body.subarray(0, EXCERPT_BYTES));
  for (const secret of secrets) text = masked(text, secret.toLowerCase());
  return text.replace(CONTROLS, "\ufffd");
}

/** Almost no answer holds a secret: only one that holds its beginning is looked at closely. */
function masked(text: string, secret: string): string {
  const beginning = secret.slice(0, SHORTEST_CUT);
  if (!text.toLowerCase().includes(beginning)) return text;
  const whole = text.replace(new RegExp(secret.replace(/[^0-9a-z]/g, "\\$&"), "gi"), "[masked]");
  // A secret cut off by the end of the excerpt is still most of a secret.
  const at = whole.toLowerCase().lastIndexOf(beginning);
  const isCut = at !== -1 && whole.length - at >= SHORTEST_CUT &&
    secret.startsWith(whole.slice(at).toLowerCase());
  return isCut ? `${whole.slice(0, at)}[masked]` : whole;
}
