import { Buffer } from "node:buffer";

const encoder = new TextEncoder();

/** UTF-8 bytes of a text. */
export function utf8Bytes(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text) as Uint8Array<ArrayBuffer>;
}

/**
 * Standard base64 with padding (RFC 4648 section 4). The hosted runtime has no Uint8Array.toBase64, and btoa() of a text
 * made byte by byte takes a hundred times as long.
 */
export function base64Encode(bytes: Uint8Array): string {
  return view(bytes).toString("base64");
}

/**
 * Bytes of a standard or URL-safe base64 text, with or without padding; null when it is none.
 * Signatures come from outside: a wrong one is a mismatch, not an exception.
 */
export function base64Decode(text: string): Uint8Array<ArrayBuffer> | null {
  const standard = text.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "");
  if (!/^[A-Za-z0-9+/]*$/.test(standard) || standard.length % 4 === 1) return null;
  return new Uint8Array(Buffer.from(standard, "base64"));
}

/** Lower-case hexadecimal. */
export function hexEncode(bytes: Uint8Array): string {
  return view(bytes).toString("hex");
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bytes of a hexadecimal text of either case; null when it is none. */
export function hexDecode(text: string): Uint8Array<ArrayBuffer> | null {
  // Asked first: the decoder looks at the low byte of a character only, and takes what is not of ASCII for a digit.
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return null;
  return new Uint8Array(Buffer.from(text, "hex"));
}
