import * as z from "zod";

/**
 * What a run has learnt of a server, so that its later slices need not ask again. It travels with the checkpoint and ends
 * with the run: the next one learns anew. Nothing in it is secret.
 */
export const learntSchema = z.object({
  /** As the server writes it, for example "17.0". */
  version: z.string(),
  protocol: z.enum(["xml_rpc", "json_2"]),
  /** Number of the key's user, which XML-RPC wants with every call; null = JSON-2, which does not. */
  user: z.int().nullable(),
  /** By model, the wanted fields that it does not have for this user. */
  lacks: z.record(z.string(), z.array(z.string())),
});

export type Learnt = z.infer<typeof learntSchema>;
