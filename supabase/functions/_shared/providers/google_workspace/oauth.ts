import { base64Decode } from "../../crypto/encoding.ts";
import { environment } from "../../env.ts";
import { standardTokenFailure } from "../oauth_failures.ts";
import { formRequest } from "../oauth_requests.ts";
import { ProviderError } from "../provider_error.ts";
import { GOOGLE_SCOPES, googleConfig } from "./settings.ts";
import {
  expiryOf,
  type OAuthClient,
  type OAuthProvider,
  type StoredSecrets,
  textOf,
  type TokenAnswer,
} from "../oauth_provider.ts";

const TITLE = "Google";
const ISSUER = "https://accounts.google.com";
/** Of a clock, ours or Google's. */
const SKEW_MS = 5 * 60_000;
/** Google answers "email" by its long name. */
const EMAIL_SCOPE = "https://www.googleapis.com/auth/userinfo.email";

/**
 * OAuth 2 of Google for web servers (developers.google.com/identity/protocols/oauth2/web-server). Grants of earlier
 * connections are not included: a connector of one tenant would get what the same person allowed another.
 */
export const googleOAuth: OAuthProvider = {
  type: "google_workspace",
  title: TITLE,
  clientVariables: ["INTERLOCK_GOOGLE_CLIENT_ID", "INTERLOCK_GOOGLE_CLIENT_SECRET"],
  client() {
    const { INTERLOCK_GOOGLE_CLIENT_ID: id, INTERLOCK_GOOGLE_CLIENT_SECRET: secret } = environment();
    return id !== undefined && secret !== undefined ? { id, secret } : null;
  },
  addresses: () => ({ authorize: `${base(ISSUER)}/o/oauth2/v2/auth`, token: `${tokenBase()}/token` }),
  issuer: ISSUER,
  usesPkce: true,
  scopeSeparator: " ",
  // Without consent each time Google gives no refresh token to whom it gave one before.
  parameters: { response_type: "code", access_type: "offline", prompt: "consent" },
  hintParameter: "login_hint",
  config: googleConfig,
  neededScopes(config) {
    const { services } = googleConfig().parse(config);
    return ["openid", "email", ...services.map((service) => GOOGLE_SCOPES[service])];
  },
  linksAccount: false,
  failureOf: (status, headers, parsed) => standardTokenFailure(TITLE, status, headers, parsed),
  grantOf(answer, client, nowMs) {
    const scopes = textOf(answer, "scope", TITLE).split(" ").filter(Boolean);
    return {
      secrets: secretsOf(answer, nowMs, textOf(answer, "refresh_token", TITLE)),
      account: accountOf(textOf(answer, "id_token", TITLE), client, nowMs),
      scopes: scopes.map((scope) => scope === EMAIL_SCOPE ? "email" : scope),
    };
  },
  tokensOf(secrets) {
    if (typeof secrets.access_token !== "string") return null;
    return {
      accessToken: secrets.access_token,
      refreshToken: typeof secrets.refresh_token === "string" ? secrets.refresh_token : null,
      expiresAtMs: typeof secrets.expires_at === "string" ? Date.parse(secrets.expires_at) : null,
    };
  },
  renewed(secrets, answer, nowMs) {
    const newRefreshToken = answer.refresh_token === undefined
      ? String(secrets.refresh_token)
      : textOf(answer, "refresh_token", TITLE);
    const scope = answer.scope ?? secrets.scope;
    return secretsOf({ ...answer, scope }, nowMs, newRefreshToken);
  },
  revocation: (tokens) =>
    formRequest(`${tokenBase()}/revoke`, { token: tokens.refreshToken ?? tokens.accessToken }),
  revokedCodes: ["invalid_token", "invalid_grant"],
  marginMs: 5 * 60_000,
  keepsFresh: false,
};

const base = (real: string) => environment().INTERLOCK_GOOGLE_API_URL?.replace(/\/+$/, "") ?? real;
const tokenBase = () => base("https://oauth2.googleapis.com");

function secretsOf(answer: TokenAnswer, nowMs: number, refreshToken: string): StoredSecrets {
  return {
    access_token: textOf(answer, "access_token", TITLE),
    refresh_token: refreshToken,
    // Google always says; an hour is what it says.
    expires_at: expiryOf(answer, nowMs) ?? new Date(nowMs + 3_600_000).toISOString(),
    ...(typeof answer.scope === "string" ? { scope: answer.scope } : {}),
    token_type: "Bearer",
  };
}

/**
 * Who consented. The token comes straight from Google over TLS, which OpenID Connect Core 3.1.3.7 takes in place of its
 * signature; that it was made for our app and is not an old one is checked.
 */
function accountOf(idToken: string, client: OAuthClient, nowMs: number): { id: string; name: string } {
  const claims = claimsOf(idToken);
  const issuers = [ISSUER, ISSUER.replace("https://", ""), base(ISSUER)];
  const isOurs = claims !== null && issuers.includes(String(claims.iss)) && claims.aud === client.id &&
    typeof claims.exp === "number" && claims.exp * 1000 > nowMs - SKEW_MS;
  if (!isOurs || typeof claims.sub !== "string" || !/^[\x21-\x7e]{1,200}$/.test(claims.sub)) {
    throw new ProviderError(
      "malformed_answer",
      "Google does not say whose account this is; try again later.",
    );
  }
  const name = typeof claims.email === "string" ? claims.email.slice(0, 320) : claims.sub;
  return { id: claims.sub, name };
}

function claimsOf(token: string): Record<string, unknown> | null {
  const bytes = base64Decode(token.split(".")[1] ?? "");
  try {
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes ?? undefined));
    return typeof claims === "object" && claims !== null ? claims as Record<string, unknown> : null;
  } catch {
    return null;
  }
}
