import assert from "node:assert/strict";
import { generateKeyPairSync, sign, verify } from "node:crypto";
import { hexDecode, hexEncode } from "../../supabase/functions/_shared/crypto/encoding.ts";
import { rawSignature } from "../../supabase/functions/_shared/providers/sendgrid/der_signature.ts";

const rawOf = (hex: string) => {
  const raw = rawSignature(hexDecode(hex));
  return raw && hexEncode(raw);
};
const padded = (r: string, s: string) => r.padStart(64, "0") + s.padStart(64, "0");

Deno.test("two integers of any length become two fields of 32 bytes", () => {
  assert.equal(rawOf("3006020101020102"), padded("01", "02"));
  assert.equal(rawOf("300702020080020101"), padded("80", "01"));
  const [r, s] = ["ff".repeat(32), "7f".repeat(32)];
  assert.equal(rawOf(`3045022100${r}0220${s}`), r + s);
});

Deno.test("what openssl's library signs in DER is what it signs in raw form, for many keys", () => {
  for (let index = 0; index < 200; index++) {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const data = new Uint8Array([index]);
    const raw = rawSignature(new Uint8Array(sign("SHA256", data, privateKey)));
    assert.equal(raw?.length, 64);
    assert.ok(verify("SHA256", data, { key: publicKey, dsaEncoding: "ieee-p1363" }, raw!));
  }
});

for (
  const [what, hex] of Object.entries({
    "nothing": "",
    "a tag alone": "30",
    "another tag": "3106020101020102",
    "a length that is too large": "3007020101020102",
    "a length that is too small": "3005020101020102",
    "bytes after it": "300602010102010200",
    "bytes after it within it": "300702010102010200",
    "one integer": "3003020101",
    "three integers": "3009020101020102020103",
    "an empty integer": "30050200020102",
    "a negative integer": "3006020180020102",
    "an integer with a zero too many": "300702020001020102",
    "an integer that is too long": `3026022101${"00".repeat(32)}020101`,
    "an integer that ends elsewhere": "3006020501020102",
    "a length of more than one byte": "308106020101020102",
    "an integer of another kind": "3006030101020102",
  })
) {
  Deno.test(`a signature with ${what} is none`, () => {
    assert.equal(rawOf(hex), null);
  });
}
