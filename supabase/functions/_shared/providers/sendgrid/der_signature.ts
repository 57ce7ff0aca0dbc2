const FIELD_BYTES = 32;

/**
 * The 64 bytes of an ECDSA P-256 signature, which Web Crypto wants, out of the DER that everybody sends: a sequence of
 * two positive integers in their shortest form (RFC 3279 section 2.2.3). Null for anything else, so that no signature
 * has two spellings.
 */
export function rawSignature(der: Uint8Array | null): Uint8Array<ArrayBuffer> | null {
  if (der === null || der[0] !== 0x30 || der[1] !== der.length - 2) return null;
  const raw = new Uint8Array(2 * FIELD_BYTES);
  let offset = 2;
  for (const place of [FIELD_BYTES, 2 * FIELD_BYTES]) {
    if (der[offset] !== 0x02) return null;
    const end = offset + 2 + (der[offset + 1] ?? 0);
    const integer = der.subarray(offset + 2, end);
    if (end > der.length || !isShortestPositive(integer)) return null;
    const digits = integer[0] === 0 ? integer.subarray(1) : integer;
    if (digits.length > FIELD_BYTES) return null;
    raw.set(digits, place - digits.length);
    offset = end;
  }
  return offset === der.length ? raw : null;
}

/** A leading zero byte stands only where the next one would make the number negative. */
function isShortestPositive(integer: Uint8Array): boolean {
  const [first, second] = integer;
  if (first === undefined || first >= 0x80) return false;
  return first !== 0 || (second !== undefined && second >= 0x80);
}
