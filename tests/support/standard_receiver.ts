/**
 * A receiver of Standard Webhooks 1.0.0, written from the standard's text alone: it shares no line with the code under
 * test and signs nothing. Where the text leaves room it takes the strict reading, so that a request which it accepts is
 * one that every receiver should.
 *
 * @module
 */
import { createServer } from "node:http";

/** A request exactly as it came: header pairs in order, duplicates and all. */
export interface SignedRequest {
  path: string;
  headers: [name: string, value: string][];
  body: Uint8Array<ArrayBuffer>;
}

const TOLERANCE_SECONDS = 300;
/** Version of a signature, by the prefix of the key that verifies it. */
const VERSION_OF = new Map([["whsec", "v1"], ["whpk", "v1a"]]);

/**
 * Whether a request is genuine.
 *
 * @param keys - `whsec_...` or `whpk_...`; any may have signed.
 * @returns "accepted", or why not.
 */
export async function judgeRequest(
  request: SignedRequest,
  keys: string[],
  nowMs = Date.now(),
): Promise<string> {
  const values: Record<string, string> = {};
  for (const name of ["webhook-id", "webhook-timestamp", "webhook-signature"]) {
    const found = request.headers.filter(([candidate]) => candidate.toLowerCase() === name);
    if (found.length !== 1) return found.length === 0 ? `${name} is missing` : `${name} came twice`;
    if (found[0]![1] === "") return `${name} is empty`;
    values[name] = found[0]![1];
  }
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures } = values;
  if (!/^[1-9]\d{0,11}$/.test(timestamp!)) return "the timestamp is not whole seconds";
  const ageSeconds = Math.floor(nowMs / 1000) - Number(timestamp);
  if (ageSeconds > TOLERANCE_SECONDS) return "the timestamp is too old";
  if (ageSeconds < -TOLERANCE_SECONDS) return "the timestamp is in the future";
  const signed = new Uint8Array([...new TextEncoder().encode(`${id}.${timestamp}.`), ...request.body]);
  for (const item of signatures!.split(" ")) {
    const parts = item.split(",");
    if (parts.length !== 2) return "a signature is not version,base64";
    for (const key of keys) {
      if (await isMadeBy(key, parts[0]!, parts[1]!, signed)) return "accepted";
    }
  }
  return "no signature matches";
}

async function isMadeBy(
  key: string,
  version: string,
  signature: string,
  signed: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const [prefix, text] = key.split("_") as [string, string];
  if (VERSION_OF.get(prefix) !== version) return false;
  const given = strictBase64(signature);
  const bytes = strictBase64(text);
  if (bytes === null) throw new Error("The receiver's own key is not base64");
  if (given === null) return false;
  const algorithm = version === "v1" ? { name: "HMAC", hash: "SHA-256" } : "Ed25519";
  const imported = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["verify"]);
  // Web Crypto compares in constant time.
  return await crypto.subtle.verify(algorithm, imported, given, signed);
}

/** Bytes of padded base64 in its one canonical form; null for anything else. */
function strictBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    const binary = atob(text);
    return btoa(binary) === text ? Uint8Array.from(binary, (char) => char.charCodeAt(0)) : null;
  } catch {
    return null;
  }
}

/** Listens on loopback and keeps every request as it came. */
export interface StandardReceiver {
  url: string;
  requests: SignedRequest[];
  close(): Promise<void>;
}

/** Starts a receiver that answers 204 to everything: what it keeps is judged by the test. */
export async function startStandardReceiver(): Promise<StandardReceiver> {
  const requests: SignedRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    request.on("end", () => {
      // rawHeaders, because any other view has merged what came twice.
      const raw = request.rawHeaders;
      const headers = raw.flatMap((name, index) =>
        index % 2 === 0 ? [[name, raw[index + 1]!] as [string, string]] : []
      );
      const body = new Uint8Array(chunks.flatMap((chunk) => [...chunk]));
      requests.push({ path: request.url ?? "", headers, body });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
