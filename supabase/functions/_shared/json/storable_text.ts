/** Text that Postgres takes in a JSON: NUL and each half of a surrogate pair, which it refuses, become U+FFFD. */
export function storableText(text: string): string {
  return text.replaceAll(/\0|\p{Surrogate}/gu, "\ufffd");
}
