/** Names of headers whose value opens something: stored as "***". Signatures stay, a replay verifies them. */
const CREDENTIAL = /authorization|cookie|api-?key|token|secret|password|credential/i;

/** A request's headers as JSON text, credentials masked, values cut to 4096 characters. */
export function maskedHeaders(headers: Headers): string {
  const stored: Record<string, string> = {};
  headers.forEach((value, name) => {
    stored[name] = CREDENTIAL.test(name) ? "***" : value.slice(0, 4096);
  });
  return JSON.stringify(stored);
}
