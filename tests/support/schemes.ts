import { manifest } from "../../supabase/functions/_shared/providers/manifest.ts";

/** Every scheme, loaded. */
export const webhookSchemes = new Map(
  await Promise.all(
    Object.entries(manifest).map(async ([provider, { load }]) => [provider, await load()] as const),
  ),
);
