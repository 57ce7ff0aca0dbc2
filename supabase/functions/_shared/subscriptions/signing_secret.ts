import * as z from "zod";
import { generateSigningSecret, SIGNATURE_VERSIONS, type SignatureVersion } from "../delivery/signature.ts";

/** Body of a rotation. */
export const rotateSchema = z.strictObject({
  /** Left out, it stays as it is. */
  signature: z.enum(SIGNATURE_VERSIONS).optional(),
  /** How long the old secret or key signs beside the new one. Default: a day. */
  overlap_seconds: z.number().int().min(0).max(604800).default(86400),
});

const signatureSchema = z.object({ signature: z.enum(SIGNATURE_VERSIONS).default("v1") });

/** A secret of the wanted kind; where none is named, of the kind that the configuration has. */
export function newSecret(wanted: SignatureVersion | undefined, config: unknown): string {
  return generateSigningSecret(wanted ?? signatureSchema.parse(config).signature);
}

/** The subscription an RPC answered, with its new secret; a private key is shown to nobody, its public key is there. */
export function withSecret(subscription: unknown, secret: string): Record<string, unknown> {
  return {
    ...subscription as Record<string, unknown>,
    signing_secret: secret.startsWith("whsk_") ? null : secret,
  };
}
