import assert from "node:assert/strict";
import { startGoogleIdentity } from "../../simulators/google/identity.ts";
import type {
  SampleRequest,
  SignedRequest,
} from "../../supabase/functions/_shared/providers/webhook_scheme.ts";
import { manifest } from "../../supabase/functions/_shared/providers/manifest.ts";
import { providerByRequest } from "../../supabase/functions/_shared/providers/registry.ts";
import { withHubEnvironment } from "../support/hub_environment.ts";
import { allSenders, received, type Sender } from "../support/provider_requests.ts";

const URL_GIVEN = "https://hub.example/functions/v1/webhook-receiver/01234567-89ab-4cde-8f01-23456789abcd";
const NOW_MS = 1790000000_123;

const google = startGoogleIdentity();
withHubEnvironment({
  INTERLOCK_EGRESS_ALLOW_LOCAL: "1",
  INTERLOCK_GOOGLE_KEYS_URL: google.keysUrl,
  INTERLOCK_CLIENT_ADDRESS: "x-forwarded-for:1",
});
const senders = allSenders(google);
/** From outside these could be anybody's. */
const UNMARKED = ["none", "token in the address", "token in the body"];

async function verifies(sender: Sender, request: SignedRequest, nowMs = NOW_MS): Promise<boolean> {
  return await sender.scheme.verify(
    request,
    await sender.scheme.importKey(sender.secret, sender.settings),
    nowMs,
  );
}

/** A test of every kind of sender there is. */
function eachSender(what: string, run: (sender: Sender) => Promise<void>): void {
  for (const sender of senders) {
    Deno.test({
      name: `${sender.what}: ${what}`,
      sanitizeOps: false,
      sanitizeResources: false,
      fn: () => run(sender),
    });
  }
}

/** The credential of a request, where it is not in the body. */
function credentialOf({ credential: { header, query } }: Sender, request: SampleRequest): string {
  if (header) return new Headers(request.headers).get(header)!;
  return new URL(request.url).searchParams.get(query!)!;
}

/** The request with other credentials: none, one, or several. */
function withCredentials({ credential }: Sender, request: SampleRequest, values: string[]): SignedRequest {
  const changed = received(request);
  if (credential.header) {
    changed.headers.delete(credential.header);
    for (const value of values) changed.headers.append(credential.header, value);
    return changed;
  }
  const url = new URL(request.url);
  url.searchParams.delete(credential.query!);
  for (const value of values) url.searchParams.append(credential.query!, value);
  return { ...changed, url: String(url) };
}

/** What an attacker, or a broken proxy, may make of a credential. A header cannot hold what HTTP cannot. */
function spoilt(good: string): string[] {
  const half = good.slice(0, Math.ceil(good.length / 2));
  const flipped = [...good].map((character, index) => {
    const other = /[0-9]/.test(character)
      ? String((Number(character) + 1) % 10)
      : character.toLowerCase() === "a"
      ? "b"
      : "a";
    return good.slice(0, index) + other + good.slice(index + 1);
  });
  return [
    ...[
      "",
      "=",
      ",",
      ".",
      "0",
      "null",
      "undefined",
      "v1",
      "v0=",
      "v1,",
      "sha256=",
      "t=1,v1=",
      "Bearer",
      "Basic",
    ],
    ...[
      "0".repeat(64),
      "f".repeat(64),
      "A".repeat(44),
      "A".repeat(86) + "==",
      "%00",
      "\u00e9",
      "é".repeat(32),
    ],
    ...[good.slice(1), good.slice(0, -1), `${good}0`, `${good}A`, `${good}=`, `${good}==`, half, good + good],
    ...[
      `x${good}`,
      `"${good}"`,
      good.replace(/=/, ""),
      good.replace(/[:=,]/, ";"),
      encodeURIComponent(`${good}\n`),
    ],
    ...["9".repeat(10_000), "a=".repeat(5000), good + ",".repeat(5000)],
    ...flipped,
  ].filter((value) => value !== good);
}

/**
 * Other spellings that mean the same bytes: with padding or without, and with other last bits of base64, which say nothing
 * (a digest of 32 bytes ends in the midst of a character). They let nobody in who has no secret.
 */
function means(sender: Sender, good: string, other: string): boolean {
  const plain = (text: string) => text.replace(/=+$/, "").replace(/[,\s]+$/, "");
  if (plain(good) === plain(other)) return true;
  if (sender.provider === "none" || plain(good).slice(0, -1) !== plain(other).slice(0, -1)) return false;
  const [last, otherLast] = [good, other].map((text) => lastBytes(plain(text)));
  return last !== null && last === otherLast;
}

/** The bytes at the end of a text that ends in base64; null when it does not. */
function lastBytes(text: string): string | null {
  const [base64] = /[\w+/-]*$/.exec(text)!;
  try {
    return atob(base64.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return null;
  }
}

eachSender("a genuine request verifies, and is taken for one of its own kind", async (sender) => {
  const request = received(await sender.send(NOW_MS, URL_GIVEN));
  assert.equal(await verifies(sender, request), true);
  assert.equal(providerByRequest(request), UNMARKED.includes(sender.what) ? "generic_hmac" : sender.provider);
});

Deno.test("every scheme stands in the manifest under its own name, and asks by what its line says", async () => {
  for (const [name, { load, asksBy }] of Object.entries(manifest)) {
    const scheme = await load();
    assert.equal(scheme.provider, name);
    assert.equal(asksBy !== undefined, scheme.openAnswer !== undefined, name);
  }
});

eachSender(
  "a credential that is missing, spoilt, of odd length or of odd encoding is refused",
  async (sender) => {
    if (sender.credential.body) return;
    const request = await sender.send(NOW_MS, URL_GIVEN);
    const good = credentialOf(sender, request);
    assert.equal(await verifies(sender, withCredentials(sender, request, [good])), true);
    assert.equal(await verifies(sender, withCredentials(sender, request, [])), false);
    for (const value of spoilt(good)) {
      let changed: SignedRequest;
      try {
        changed = withCredentials(sender, request, [value]);
      } catch {
        continue; // No header can say that.
      }
      if (means(sender, good, value)) continue;
      assert.equal(await verifies(sender, changed), false, value.slice(0, 200));
    }
  },
);

eachSender("two credentials at once are none, whichever of them is right", async (sender) => {
  if (sender.credential.body || sender.provider === "none") return;
  const request = await sender.send(NOW_MS, URL_GIVEN);
  const good = credentialOf(sender, request);
  const bad = credentialOf(sender, await sender.send(NOW_MS, `${URL_GIVEN}?other`)).replace(/[1-9]/, "0");
  for (const pair of [[good, good], [good, bad], [bad, good]]) {
    assert.equal(await verifies(sender, withCredentials(sender, request, pair)), false, JSON.stringify(pair));
  }
});

eachSender("a body that was changed by one bit is refused, where the body is signed", async (sender) => {
  const request = received(await sender.send(NOW_MS, URL_GIVEN));
  if (!sender.signsBody) return;
  for (let index = 0; index < request.body.length; index++) {
    const body = new Uint8Array(request.body);
    body[index]! ^= 1 << index % 8;
    assert.equal(await verifies(sender, { ...request, body }), false, `byte ${index}`);
  }
  const longer = Uint8Array.of(...request.body, 10);
  for (const body of [new Uint8Array(), longer, request.body.slice(1), request.body.slice(0, -1)]) {
    assert.equal(await verifies(sender, { ...request, body }), false);
  }
});

eachSender("another secret does not verify; of two in a rotation each verifies its own", async (sender) => {
  const [other] = allSenders(google).filter(({ what }) => what === sender.what);
  if (sender.scheme.secretFrom === "nobody" || !other) return;
  const [mine, theirs] = [await sender.send(NOW_MS, URL_GIVEN), await other.send(NOW_MS, URL_GIVEN)].map(
    received,
  );
  assert.notEqual(sender.secret, other.secret);
  assert.deepEqual([await verifies(sender, mine!), await verifies(sender, theirs!)], [true, false]);
  assert.deepEqual([await verifies(other, mine!), await verifies(other, theirs!)], [false, true]);
});

eachSender(
  "a timestamp is close to now, in the right unit, and a plain number, though well signed",
  async (sender) => {
    const { windowSeconds } = sender;
    if (windowSeconds === null) return;
    const verifiesAt = async (signedAtMs: number) =>
      await verifies(sender, received(await sender.send(signedAtMs, URL_GIVEN)));
    const windowMs = windowSeconds * 1000;
    for (const awayMs of [0, windowMs - 1000, 1000 - windowMs]) {
      assert.equal(await verifiesAt(NOW_MS + awayMs), true, String(awayMs));
    }
    for (const awayMs of [windowMs + 1001, -windowMs - 1001, 1e12, -1e12]) {
      assert.equal(await verifiesAt(NOW_MS + awayMs), false, String(awayMs));
    }
    // Seconds for milliseconds and the reverse, and what is no plain number.
    for (
      const atMs of [
        NOW_MS / 1000,
        NOW_MS * 1000,
        NaN,
        Infinity,
        -Infinity,
        -NOW_MS,
        1e24,
        Number.MAX_VALUE,
        0,
      ]
    ) {
      assert.equal(await verifiesAt(atMs), false, String(atMs));
    }
  },
);

eachSender("what it shows of a secret in a body is stored without it", async (sender) => {
  const request = await sender.send(NOW_MS, URL_GIVEN);
  const key = await sender.scheme.importKey(sender.secret, sender.settings);
  const stored = sender.scheme.withoutSecret?.(request.body, key) ?? request.body;
  const texts = [request.body, stored].map((bytes) => new TextDecoder().decode(bytes));
  assert.equal(texts[0]!.includes(sender.secret), sender.credential.body === true);
  assert.equal(texts[1]!.includes(sender.secret), false);
  assert.equal(stored.length, request.body.length);
  assert.deepEqual(
    await sender.scheme.elements({ ...received(request), body: stored }, sender.settings).then((told) =>
      told.map(({ type }) => type)
    ),
    (await sender.scheme.elements(received(request), sender.settings)).map(({ type }) => type),
  );
});

Deno.test("a body's token is compared as a whole, and all notifications carry it", async () => {
  for (const sender of senders.filter(({ credential }) => credential.body)) {
    const request = await sender.send(NOW_MS, URL_GIVEN);
    const text = new TextDecoder().decode(request.body);
    const withToken = (token: string) => ({
      ...received(request),
      body: new TextEncoder().encode(text.replace(`"${sender.secret}"`, token)),
    });
    assert.equal(await verifies(sender, withToken(`"${sender.secret}"`)), true);
    const wrong = [
      '""',
      "null",
      "{}",
      "[]",
      "0",
      "true",
      `"${sender.secret.slice(1)}"`,
      `"${sender.secret} "`,
    ];
    for (const token of [...wrong, `["${sender.secret}"]`, `"${sender.secret}","x":"y`, ""]) {
      assert.equal(await verifies(sender, withToken(token)), false, `${sender.what}: ${token}`);
    }
  }
  const graph = senders.find(({ provider }) => provider === "microsoft_graph")!;
  const bodies = [
    { value: [{ clientState: graph.secret }, { clientState: "other" }] },
    { value: [{ clientState: graph.secret }, {}] },
    { value: [] },
    { clientState: graph.secret },
  ];
  for (const body of bodies) {
    const request = received(await graph.send(NOW_MS, URL_GIVEN));
    const changed = { ...request, body: new TextEncoder().encode(JSON.stringify(body)) };
    assert.equal(await verifies(graph, changed), false, JSON.stringify(body));
  }
});

globalThis.addEventListener("unload", () => void google.stop());
