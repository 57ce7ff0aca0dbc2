import assert from "node:assert/strict";
import { HOSTED_DENO } from "../runtime/hosted_runtime.ts";
import { call } from "../support/api.ts";
import { sql, stackTest } from "../support/stack.ts";
import { judgeRequest, type SignedRequest, startStandardReceiver } from "../support/standard_receiver.ts";
import {
  atAnotherTime,
  forgedWithPublicKey,
  TAMPERINGS,
  withFlippedBit,
  withFlippedSignatureBit,
} from "../support/tampering.ts";
import { createTenant } from "../support/tenant.ts";
import { snippetsOf } from "./extract.ts";
import { type Case, go, libraryInDeno, python, type Runner, typescript } from "./languages.ts";

/** A case and what must come of it. */
interface Expected extends Case {
  what: string;
  accept: boolean;
}

/** Real requests, as they came over a socket, with keys that verify them. */
interface Deliveries {
  symmetric: SignedRequest;
  secret: string;
  asymmetric: SignedRequest;
  publicKey: string;
  /** Of `publicKey`, out of Vault: to sign at other times. */
  privateKey: string;
  /** Signed by both kinds, in a rotation from `secret` to `newPublicKey`. */
  rotating: SignedRequest;
  newPublicKey: string;
}

async function makeDeliveries(): Promise<Deliveries> {
  const receiver = await startStandardReceiver();
  try {
    const user = (await createTenant()).users.admin;
    const ask = async (path: string, body: Record<string, unknown>) => {
      const answer = await call(`guardian-meta/integrations${path}`, { user, body });
      assert.ok(answer.status < 300, JSON.stringify(answer.body));
      return answer.body;
    };
    const create = (signature: string) =>
      ask("", {
        integration_key: signature,
        label: "Snippets",
        scopes: ["readiness"],
        config: { webhook_url: receiver.url, signature },
      });
    const deliver = async (id: string) => {
      await ask("/test", { integration_id: id });
      return receiver.requests.at(-1)!;
    };
    const [one, other] = [await create("v1"), await create("v1a")];
    const symmetric = await deliver(one.id);
    const asymmetric = await deliver(other.id);
    const [stored] = await sql`select s.decrypted_secret as secret from public.guardian_meta_integrations i
      join vault.decrypted_secrets s on s.id = i.secret_ref where i.id = ${other.id}`;
    const rotated = await ask(`/${one.id}/rotate`, { signature: "v1a" });
    return {
      ...{ symmetric, secret: one.signing_secret, asymmetric, publicKey: other.public_key },
      privateKey: stored!.secret,
      ...{ rotating: await deliver(one.id), newPublicKey: rotated.public_key },
    };
  } finally {
    await receiver.close();
  }
}

let shared: Promise<Deliveries> | undefined;
const theDeliveries = () => shared ??= makeDeliveries();

/** As a framework would hand it on; tampering with pairs that no framework keeps apart is left out. */
function toCase(what: string, request: SignedRequest, keys: string[], accept: boolean): Expected {
  return {
    ...{ what, keys, accept },
    headers: Object.fromEntries(request.headers.map(([name, value]) => [name.toLowerCase(), value])),
    bodyBase64: btoa(Array.from(request.body, (byte) => String.fromCharCode(byte)).join("")),
  };
}

function tampered(request: SignedRequest, key: string): Expected[] {
  const ways = TAMPERINGS.filter(({ because }) => !because.test("came twice"));
  const bits = Array.from({ length: 64 }, (_, index) => index * 8 + index % 8);
  return [
    ...ways.map(({ what, tamper }) => toCase(what, tamper(request), [key], false)),
    ...bits.map((bit) => toCase(`bit ${bit} of the body`, withFlippedBit(request, bit), [key], false)),
    ...bits.map((bit) =>
      toCase(`bit ${bit} of the signature`, withFlippedSignatureBit(request, bit), [key], false)
    ),
  ];
}

/** Genuine, but of another time: only the timestamp tells. */
function atOtherTimes(request: SignedRequest, secret: string, key: string): Expected[] {
  return [-4, 4, -6, 6, -60, 60].map((minutes) =>
    toCase(
      `signed ${minutes} minutes from now`,
      atAnotherTime(request, secret, Math.floor(Date.now() / 1000) + minutes * 60),
      [key],
      Math.abs(minutes) < 5,
    )
  );
}

function symmetricCases({ symmetric, secret, asymmetric, rotating }: Deliveries): Expected[] {
  return [
    toCase("v1", symmetric, [secret], true),
    toCase("both kinds, by the old secret", rotating, [secret], true),
    toCase("another secret", symmetric, [`whsec_${btoa("x".repeat(32))}`], false),
    toCase("v1a", asymmetric, [secret], false),
    ...atOtherTimes(symmetric, secret, secret),
    ...tampered(symmetric, secret),
  ];
}

function asymmetricCases(
  { symmetric, secret, asymmetric, privateKey, publicKey, rotating, newPublicKey }: Deliveries,
): Expected[] {
  return [
    toCase("v1a", asymmetric, [publicKey], true),
    toCase("both kinds, by the new key", rotating, [newPublicKey], true),
    toCase("either of two keys", symmetric, [newPublicKey, secret], true),
    toCase("another public key", asymmetric, [newPublicKey], false),
    toCase("no key", asymmetric, [], false),
    toCase("v1 with a public key", symmetric, [publicKey], false),
    toCase("v1 made with the public key", forgedWithPublicKey(asymmetric, publicKey), [publicKey], false),
    ...atOtherTimes(asymmetric, privateKey, publicKey),
    ...tampered(asymmetric, publicKey),
  ];
}

const snippets = snippetsOf("verify.md");
const [library, dependencyFree] = snippets.filter(({ language }) => language === "ts");
const [pythonSnippet] = snippets.filter(({ language }) => language === "python");
const [goSnippet] = snippets.filter(({ language }) => language === "go");
/** The library reads the timestamp as a number: another spelling of the same instant is the same to it. */
const FOR_THE_LIBRARY = (deliveries: Deliveries) =>
  symmetricCases(deliveries).filter(({ what }) => !what.startsWith("the timestamp "));
const BOTH = (deliveries: Deliveries) => [...symmetricCases(deliveries), ...asymmetricCases(deliveries)];

const TRIED: [string, string | undefined, Runner, (deliveries: Deliveries) => Expected[]][] = [
  ["TypeScript with the library", library?.code, libraryInDeno, FOR_THE_LIBRARY],
  ["TypeScript without it", dependencyFree?.code, typescript(`deno@${Deno.version.deno}`), BOTH],
  ["TypeScript on the hosted runtime's Deno", dependencyFree?.code, typescript(HOSTED_DENO), BOTH],
  ["Python", pythonSnippet?.code, python, BOTH],
  ["Go", goSnippet?.code, go, BOTH],
];

for (const [name, code, run, casesOf] of TRIED) {
  stackTest(`docs/verify.md, ${name}: accepts real deliveries and refuses every tampering`, async () => {
    assert.ok(code, "the page has no such snippet");
    const deliveries = await theDeliveries();
    assert.equal(await judgeRequest(deliveries.rotating, [deliveries.secret]), "accepted");
    const cases = casesOf(deliveries);
    const accepted = await run(code, cases);
    assert.equal(accepted.length, cases.length);
    for (const [index, { what, accept }] of cases.entries()) assert.equal(accepted[index], accept, what);
  });
}

stackTest("docs/verify.md holds no snippet that is not tried here", () => {
  assert.deepEqual(snippets.map(({ language }) => language), ["ts", "ts", "python", "go"]);
  return Promise.resolve();
});
