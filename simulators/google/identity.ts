import { createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { Buffer } from "node:buffer";

/** Claims of the token that Pub/Sub pushes with. */
export interface PushClaims {
  iss: string;
  aud: string;
  email: string;
  email_verified: boolean;
  iat: number;
  exp: number;
  sub?: string;
}

/** A running Google that publishes keys and signs tokens with them. */
export interface GoogleIdentity {
  /** Where the public keys are. */
  keysUrl: string;
  /** Questions for keys, whatever came of them. */
  readonly requests: number;
  /** A token as Pub/Sub sends it; `header` replaces fields of its header. */
  token(claims: PushClaims, header?: Record<string, unknown>): string;
  /** From now on signs with a new key; the old one stays published. */
  rotate(): void;
  /** Questions for keys are answered with this status until it is null again. */
  failWith(status: number | null): void;
  stop(): Promise<void>;
}

/** The claims of a good token, valid for an hour. */
export function pushClaims(nowMs: number, aud: string, email: string): PushClaims {
  const iat = Math.floor(nowMs / 1000);
  const sub = "113774264463038321964";
  return { iss: "https://accounts.google.com", aud, email, email_verified: true, iat, exp: iat + 3600, sub };
}

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

/**
 * Plays the part of accounts.google.com that signs the tokens of Pub/Sub (RS256), and the address of its public keys. Made
 * with Node's own crypto: the hub's verification shares no code with this.
 *
 * @param port - 0 = any free one.
 */
export function startGoogleIdentity(port = 0): GoogleIdentity {
  const pairs: { kid: string; privateKey: KeyObject; publicKey: KeyObject }[] = [];
  let [requests, failure] = [0, null as number | null];
  const rotate = () => {
    pairs.unshift({ kid: crypto.randomUUID(), ...generateKeyPairSync("rsa", { modulusLength: 2048 }) });
  };
  rotate();
  const server = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, () => {
    requests++;
    if (failure !== null) return new Response("down", { status: failure });
    const keys = pairs.map(({ kid, publicKey }) => ({
      ...publicKey.export({ format: "jwk" }),
      ...{ kid, alg: "RS256", use: "sig" },
    }));
    return Response.json({ keys }, { headers: { "cache-control": "public, max-age=20000" } });
  });
  return {
    keysUrl: `http://127.0.0.1:${server.addr.port}/oauth2/v3/certs`,
    get requests() {
      return requests;
    },
    token(claims, header = {}) {
      const { kid, privateKey } = pairs[0]!;
      const signed = `${encoded({ alg: "RS256", kid, typ: "JWT", ...header })}.${encoded(claims)}`;
      return `${signed}.${createSign("RSA-SHA256").update(signed).sign(privateKey).toString("base64url")}`;
    },
    rotate,
    failWith: (status) => void (failure = status),
    stop: () => server.shutdown(),
  };
}
