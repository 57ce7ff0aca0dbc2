import type { StackKeys } from "./keys.ts";

/** Variables of this machine that Deno itself needs in a worker. */
const INHERITED = [
  "DENO_DIR",
  "HOME",
  "PATH",
  "TMPDIR",
  "XDG_CACHE_HOME",
  "NO_COLOR",
  "DENO_CERT",
  "DENO_TLS_CA_STORE",
];

/** The environment of a function: what the platform injects, and names of our own. Nothing else of this machine. */
export function functionEnvironment(options: {
  apiUrl: string;
  dbUrl: string;
  keys: StackKeys;
  roleTokens: [string, string][];
  extra?: Record<string, string>;
}): Record<string, string> {
  const { apiUrl, dbUrl, keys, roleTokens, extra } = options;
  const tokenOf = new Map(roleTokens);
  const environment: Record<string, string> = {
    SUPABASE_URL: apiUrl,
    SUPABASE_DB_URL: dbUrl,
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify(keys.publishableKeys),
    SUPABASE_SECRET_KEYS: JSON.stringify(keys.secretKeys),
    SUPABASE_JWKS: JSON.stringify({ keys: [keys.signingKey.publicJwk] }),
    SUPABASE_ANON_KEY: tokenOf.get(keys.publishableKeys.default!) ?? "",
    SUPABASE_SERVICE_ROLE_KEY: tokenOf.get(keys.secretKeys.default!) ?? "",
  };
  for (const [name, value] of Object.entries(Deno.env.toObject())) {
    if (name === "INTERLOCK_EGRESS_ALLOW_LOCAL") continue; // The start command alone may allow it.
    if (INHERITED.includes(name) || name.startsWith("INTERLOCK_")) environment[name] = value;
  }
  return { ...environment, ...extra };
}
