import "reflect-metadata"; // @peculiar/x509 needs it before itself.
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { ServerCertificate } from "./raw_server.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const HOUR_MS = 3_600_000;
const AUTHORITY_NAME = "CN=Interlock test authority";

/** Who signs certificates: what it is trusted by, and what it signs with. */
export interface CertificateAuthority {
  /** PEM. */
  caCert: string;
  signingKey: JsonWebKey;
}

/** What a certificate says; by default it is valid now. */
export interface CertificateOptions {
  validFromMs?: number;
  validUntilMs?: number;
}

/** Makes an authority for this run, valid for two hours. */
export async function makeAuthority(): Promise<CertificateAuthority> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity({}),
    name: AUTHORITY_NAME,
    keys,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  return {
    caCert: certificate.toString("pem"),
    signingKey: await crypto.subtle.exportKey("jwk", keys.privateKey),
  };
}

/** A certificate for one host name, signed by the authority. */
export async function issueCertificate(
  authority: CertificateAuthority,
  hostname: string,
  options: CertificateOptions = {},
): Promise<ServerCertificate> {
  const keys = await generateKeys();
  const signingKey = await crypto.subtle.importKey("jwk", authority.signingKey, ALGORITHM, false, ["sign"]);
  const certificate = await X509CertificateGenerator.create({
    ...validity(options),
    subject: `CN=${hostname}`,
    issuer: AUTHORITY_NAME,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [nameOf(hostname)],
  });
  return { cert: certificate.toString("pem"), key: await pemKey(keys) };
}

/** A certificate for one host name that vouches for itself. */
export async function selfSignedCertificate(hostname: string): Promise<ServerCertificate> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity({}),
    name: `CN=${hostname}`,
    keys,
    extensions: [nameOf(hostname)],
  });
  return { cert: certificate.toString("pem"), key: await pemKey(keys) };
}

/** A certificate for one host name, and the authority that signed it; made for this run, valid for two hours. */
export async function makeCertificate(hostname: string): Promise<ServerCertificate & { caCert: string }> {
  const authority = await makeAuthority();
  return { ...await issueCertificate(authority, hostname), caCert: authority.caCert };
}

function validity({ validFromMs, validUntilMs }: CertificateOptions) {
  return {
    notBefore: new Date(validFromMs ?? Date.now() - HOUR_MS),
    notAfter: new Date(validUntilMs ?? Date.now() + HOUR_MS),
    signingAlgorithm: ALGORITHM,
  };
}

function generateKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

function nameOf(hostname: string): SubjectAlternativeNameExtension {
  return new SubjectAlternativeNameExtension([{ type: "dns", value: hostname }]);
}

async function pemKey(keys: CryptoKeyPair): Promise<string> {
  const der = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  const text = btoa(String.fromCharCode(...new Uint8Array(der))).replace(/.{64}/g, "$&\n");
  return `-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----\n`;
}
