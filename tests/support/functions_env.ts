import { stack } from "./stack.ts";

/**
 * Gives this process the environment of a function, so that the shared modules run here against the real stack.
 * Import this before any of them.
 */
Deno.env.set("SUPABASE_URL", stack.apiUrl);
Deno.env.set("SUPABASE_PUBLISHABLE_KEYS", JSON.stringify(stack.keys.publishableKeys));
Deno.env.set("SUPABASE_SECRET_KEYS", JSON.stringify(stack.keys.secretKeys));
Deno.env.set("SUPABASE_JWKS", JSON.stringify({ keys: [stack.keys.signingKey.publicJwk] }));
