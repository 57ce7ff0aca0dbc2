import assert from "node:assert/strict";
import { utf8Bytes } from "../../supabase/functions/_shared/crypto/encoding.ts";
import { webhookSchemes } from "../support/schemes.ts";
import { providerByRequest } from "../../supabase/functions/_shared/providers/registry.ts";
import type { SignedRequest } from "../../supabase/functions/_shared/providers/webhook_scheme.ts";
import { SIGNATURE_VECTORS, type SignatureVector } from "../vectors/webhook_signatures.ts";

/** Verified by something else than a signature, or (Pub/Sub) by one that lasts an hour. */
const WITHOUT_VECTOR = [
  "basic_auth",
  "google_channel",
  "google_pubsub",
  "microsoft_graph",
  "none",
  "salesforce",
  "token",
  "zoho",
];

function requestOf({ headers, body, url }: SignatureVector): SignedRequest {
  return {
    method: "POST",
    url: url ?? "https://hub.example/functions/v1/webhook-receiver/1",
    headers: new Headers(headers),
    body: utf8Bytes(body),
  };
}

async function verifies(vector: SignatureVector, request: SignedRequest, nowMs = vector.nowMs) {
  const scheme = webhookSchemes.get(vector.provider)!;
  const settings = scheme.settings().parse(vector.settings ?? {});
  return await scheme.verify(request, await scheme.importKey(vector.secret, settings), nowMs);
}

Deno.test("every scheme that signs has a vector that our own code had no part in", () => {
  const covered = new Set([...WITHOUT_VECTOR, ...SIGNATURE_VECTORS.map(({ provider }) => provider)]);
  assert.deepEqual([...covered].sort(), [...webhookSchemes.keys()].sort());
});

for (const vector of SIGNATURE_VECTORS) {
  const name = `${vector.provider}, ${vector.what}`;

  Deno.test(`${name}: the vector verifies, and not with any byte or bit of it changed`, async () => {
    const request = requestOf(vector);
    assert.equal(await verifies(vector, request), true);
    if (!vector.settings) assert.equal(providerByRequest(request), vector.provider);
    for (let index = 0; index < request.body.length; index++) {
      const body = new Uint8Array(request.body);
      body[index]! ^= 1 << index % 8;
      assert.equal(await verifies(vector, { ...request, body }), false, `byte ${index}`);
    }
    for (const body of [new Uint8Array(), request.body.slice(1), Uint8Array.of(...request.body, 0x20)]) {
      assert.equal(await verifies(vector, { ...request, body }), false);
    }
  });

  Deno.test(`${name}: another secret does not verify`, async () => {
    const scheme = webhookSchemes.get(vector.provider)!;
    const secret = vector.settings?.secret_encoding === "hex" ? "ff".repeat(16) : scheme.generateSecret();
    assert.equal(await verifies({ ...vector, secret }, requestOf(vector)), false);
  });

  const { timestampHeader } = vector;
  if (!timestampHeader) continue;
  Deno.test(`${name}: its timestamp is part of what is signed, and must be close to now`, async () => {
    const request = requestOf(vector);
    const sent: string = request.headers.get(timestampHeader)!;
    const other = sent.replace(/.$/, (digit) => String((Number(digit) + 1) % 10));
    for (const timestamp of [other, `0${sent}`, `${sent} `, `+${sent}`, `${sent}.0`, "", "NaN"]) {
      const headers = new Headers(request.headers);
      headers.set(timestampHeader, timestamp);
      // A space at the end is none: HTTP takes it off.
      const same: boolean = headers.get(timestampHeader) === sent;
      assert.equal(await verifies(vector, { ...request, headers }), same, timestamp);
    }
    for (const awayMs of [-26 * 3600_000, 26 * 3600_000]) {
      assert.equal(await verifies(vector, request, vector.nowMs + awayMs), false);
    }
    assert.equal(await verifies(vector, request, vector.nowMs + 59_000), true);
    assert.equal(await verifies(vector, request, vector.nowMs - 59_000), true);
  });
}
