import { Webhook } from "standardwebhooks";
import { signingKey, webhookSignature } from "../../supabase/functions/_shared/delivery/signature.ts";
import type { SignedRequest } from "./standard_receiver.ts";

/** One way to tamper with a request: what comes of it must be refused. */
export interface Tampering {
  what: string;
  /** Why a strict receiver refuses. */
  because: RegExp;
  tamper(request: SignedRequest): SignedRequest;
}

const NAMES = ["webhook-id", "webhook-timestamp", "webhook-signature"];
const NO_MATCH = /^no signature matches$/;

/** The request with other header pairs where the name matches; [] removes it. */
function withHeader(
  request: SignedRequest,
  name: string,
  change: (value: string) => string[],
): SignedRequest {
  const headers = request.headers.flatMap(([candidate, value]) =>
    candidate.toLowerCase() === name
      ? change(value).map((changed) => [candidate, changed] as [string, string])
      : [[candidate, value] as [string, string]]
  );
  return { ...request, headers };
}

const withSignatures = (request: SignedRequest, change: (version: string, text: string) => string) =>
  withHeader(request, "webhook-signature", (value) => [
    value.split(" ").map((item) => change(...item.split(",") as [string, string])).join(" "),
  ]);

function withBody(request: SignedRequest, change: (body: number[]) => number[]): SignedRequest {
  return { ...request, body: new Uint8Array(change([...request.body])) };
}

function bodyTampering(): Tampering[] {
  const ways: [string, (body: number[]) => number[]][] = [
    ["a byte more", (body) => [...body, 0x20]],
    ["a byte less", (body) => body.slice(0, -1)],
    ["no body", () => []],
    ["a byte order mark before the body", (body) => [0xef, 0xbb, 0xbf, ...body]],
    ["the body printed anew", (body) => [
      ...new TextEncoder().encode(
        JSON.stringify(JSON.parse(new TextDecoder().decode(new Uint8Array(body))), null, 1),
      ),
    ]],
  ];
  return ways.map(([what, change]) => ({
    what,
    because: NO_MATCH,
    tamper: (request) => withBody(request, change),
  }));
}

function headerTampering(): Tampering[] {
  return NAMES.flatMap((name): Tampering[] => [
    {
      what: `no ${name}`,
      because: /is missing$/,
      tamper: (request) => withHeader(request, name, () => []),
    },
    {
      what: `an empty ${name}`,
      because: /is empty$/,
      tamper: (request) => withHeader(request, name, () => [""]),
    },
    {
      what: `${name} twice`,
      because: /came twice$/,
      tamper: (request) => withHeader(request, name, (value) => [value, value]),
    },
    {
      what: `a foreign ${name} before the right one`,
      because: /came twice$/,
      tamper: (request) => withHeader(request, name, (value) => [`${value}1`, value]),
    },
  ]);
}

function identityTampering(): Tampering[] {
  const shifted = (what: string, seconds: number, because: RegExp): Tampering => ({
    what,
    because,
    tamper: (request) =>
      withHeader(request, "webhook-timestamp", (value) => [String(Number(value) + seconds)]),
  });
  const spelled = (what: string, spell: (value: string) => string): Tampering => ({
    what: `the timestamp ${what}`,
    because: /not whole seconds$/,
    tamper: (request) => withHeader(request, "webhook-timestamp", (value) => [spell(value)]),
  });
  return [
    {
      what: "another id",
      because: NO_MATCH,
      tamper: (request) => withHeader(request, "webhook-id", () => ["msg_other"]),
    },
    {
      what: "the id in capitals",
      because: NO_MATCH,
      tamper: (request) => withHeader(request, "webhook-id", (value) => [value.toUpperCase()]),
    },
    shifted("a second later", 1, NO_MATCH),
    shifted("a second earlier", -1, NO_MATCH),
    shifted("an hour ago", -3600, /too old$/),
    shifted("in an hour", 3600, /in the future$/),
    spelled("with a fraction", (value) => `${value}.0`),
    spelled("with a sign", (value) => `+${value}`),
    spelled("with a zero before it", (value) => `0${value}`),
    spelled("in milliseconds", (value) => `${value}000`),
    spelled("in hexadecimal", (value) => `0x${Number(value).toString(16)}`),
  ];
}

function signatureTampering(): Tampering[] {
  const ways: [string, (version: string, text: string) => string, RegExp?][] = [
    ["the kinds exchanged", (version, text) => `${version === "v1" ? "v1a" : "v1"},${text}`],
    ["an unknown version", (_, text) => `v2,${text}`],
    ["the version in capitals", (version, text) => `${version.toUpperCase()},${text}`],
    ["no version", (_, text) => text, /not version,base64$/],
    ["an empty signature", (version) => `${version},`],
    ["the first half of the signature", (version, text) => `${version},${btoa(atob(text).slice(0, 16))}`],
    ["a byte less", (version, text) => `${version},${btoa(atob(text).slice(0, -1))}`],
    ["a byte more", (version, text) => `${version},${btoa(`${atob(text)}\0`)}`],
    [
      "a signature of nothing but zeros",
      (version, text) => `${version},${btoa("\0".repeat(atob(text).length))}`,
    ],
    ["a colon for the comma", (version, text) => `${version}:${text}`, /not version,base64$/],
    [
      "hexadecimal for base64",
      (version, text) =>
        `${version},${
          Array.from(atob(text), (char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join("")
        }`,
    ],
  ];
  return ways.map(([what, change, because]) => ({
    what,
    because: because ?? NO_MATCH,
    tamper: (request) => withSignatures(request, change),
  }));
}

/** Every kind of tampering that needs no other request and no other key. */
export const TAMPERINGS: Tampering[] = [
  ...bodyTampering(),
  ...headerTampering(),
  ...identityTampering(),
  ...signatureTampering(),
];

/** The request with one bit of its body flipped. */
export function withFlippedBit(request: SignedRequest, bit: number): SignedRequest {
  return withBody(request, (body) => {
    body[bit >> 3]! ^= 1 << (bit & 7);
    return body;
  });
}

/** The request with one bit of each of its signatures flipped. */
export function withFlippedSignatureBit(request: SignedRequest, bit: number): SignedRequest {
  return withSignatures(request, (version, text) => {
    const bytes = Array.from(atob(text), (char) => char.charCodeAt(0));
    bytes[(bit >> 3) % bytes.length]! ^= 1 << (bit & 7);
    return `${version},${btoa(String.fromCharCode(...bytes))}`;
  });
}

/** The request under the signature of another one. */
export function withSignatureOf(request: SignedRequest, other: SignedRequest): SignedRequest {
  const signature = other.headers.find(([name]) => name.toLowerCase() === "webhook-signature")![1];
  return withHeader(request, "webhook-signature", () => [signature]);
}

/**
 * The request signed as `v1` with a public key for a secret: what an attacker who knows the public key, as anybody may,
 * would send to a receiver that takes the kind from the request and not from its key.
 */
export function forgedWithPublicKey(request: SignedRequest, publicKey: string): SignedRequest {
  const signedAt = new Date(Number(headerOf(request, "webhook-timestamp")) * 1000);
  const secret = publicKey.replace("whpk_", "whsec_");
  const body = new TextDecoder().decode(request.body);
  const signature = new Webhook(secret).sign(headerOf(request, "webhook-id"), signedAt, body);
  return withHeader(request, "webhook-signature", () => [signature]);
}

/** The request as it would have been signed at another time, in seconds. */
export function atAnotherTime(request: SignedRequest, secret: string, timestamp: number): SignedRequest {
  const id = headerOf(request, "webhook-id");
  const signature = webhookSignature([signingKey(secret)], id, timestamp, request.body);
  const moved = withHeader(request, "webhook-timestamp", () => [String(timestamp)]);
  return withHeader(moved, "webhook-signature", () => [signature]);
}

/** The value of a header that came once. */
export function headerOf(request: SignedRequest, name: string): string {
  const found = request.headers.filter(([candidate]) => candidate.toLowerCase() === name);
  if (found.length !== 1) throw new Error(`${name} came ${found.length} times`);
  return found[0]![1];
}
