import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from "jose";
import { join } from "node:path";

/** The key pair that signs user and role tokens (ES256). */
export interface SigningKey {
  kid: string;
  privateJwk: JWK;
  publicJwk: JWK;
}

/** The API keys and the signing key of one stack, made once per data folder. */
export interface StackKeys {
  signingKey: SigningKey;
  publishableKeys: Record<string, string>;
  secretKeys: Record<string, string>;
  /** Password of every login role of the stack's own Postgres. */
  databasePassword: string;
}

/** Reads the keys of a data folder, or makes them on the first start. The file is readable by its owner alone. */
export async function loadOrCreateKeys(dataDir: string): Promise<StackKeys> {
  const path = join(dataDir, "keys.json");
  try {
    return JSON.parse(await Deno.readTextFile(path)) as StackKeys;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const keys: StackKeys = {
    signingKey: await createSigningKey(),
    publishableKeys: { default: `sb_publishable_${randomToken()}` },
    secretKeys: { default: `sb_secret_${randomToken()}`, hub: `sb_secret_${randomToken()}` },
    databasePassword: randomToken(),
  };
  await Deno.writeTextFile(path, JSON.stringify(keys, null, 2), { mode: 0o600 });
  return keys;
}

async function createSigningKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const kid = crypto.randomUUID();
  return {
    kid,
    privateJwk: { ...await exportJWK(privateKey), kid, alg: "ES256" },
    publicJwk: { ...await exportJWK(publicKey), kid, alg: "ES256", use: "sig" },
  };
}

function randomToken(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(24)), (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

/** Signs claims as the project's Auth does. */
export async function signToken(
  key: SigningKey,
  claims: Record<string, unknown>,
  lifetimeSeconds: number,
): Promise<string> {
  return await new SignJWT(claims)
    .setProtectedHeader({ alg: "ES256", typ: "JWT", kid: key.kid })
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + lifetimeSeconds)
    .sign(await importJWK(key.privateJwk, "ES256"));
}

/** The token that an opaque API key stands for: a role, nothing else. Valid for ten years, like the platform's. */
export function signRoleToken(
  key: SigningKey,
  role: "anon" | "service_role",
  issuer: string,
): Promise<string> {
  return signToken(key, { iss: issuer, role }, 10 * 365 * 24 * 3600);
}
