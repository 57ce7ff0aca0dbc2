import { z } from "zod";
import { SIGNATURE_VERSIONS } from "../delivery/signature.ts";

/** Body of a rotation. */
export const rotateSchema = z.strictObject({
  /** Left out, it stays as it is. */
  signature: z.enum(SIGNATURE_VERSIONS).optional(),
  /** How long the old secret or key signs beside the new one. Default: a day. */
  overlap_seconds: z.number().int().min(0).max(604800).default(86400),
});

/** The subscription an RPC answered, with its new secret; a private key is shown to nobody, its public key is there. */
export function withSecret(subscription: unknown, secret: string): Record<string, unknown> {
  return {
    ...subscription as Record<string, unknown>,
    signing_secret: secret.startsWith("whsk_") ? null : secret,
  };
}
