import { environment } from "../../env.ts";
import { codeOf, tokenFailure } from "../oauth_failures.ts";
import { formRequest } from "../oauth_requests.ts";
import { ProviderError, type ProviderErrorClass } from "../provider_error.ts";
import { slackErrorClass } from "./error_codes.ts";
import { slackConfigSchema } from "./settings.ts";
import {
  expiryOf,
  type OAuthProvider,
  type StoredSecrets,
  textOf,
  type TokenAnswer,
} from "../oauth_provider.ts";

const TITLE = "Slack";

/** Posting (under a name of its own too), listing channels, reading what is said in them. */
const SCOPES = ["chat:write", "chat:write.customize", "channels:read", "channels:history"];
const PRIVATE_SCOPES = ["groups:read", "groups:history"];

/** Words that `oauth.v2.access` alone has, or that are about our app there; the others are Slack's usual ones. */
const OWN_CLASSES = new Map<string, ProviderErrorClass>([
  ...words("reconnect_needed", [
    ...["invalid_code", "code_already_used", "code_expired", "invalid_grant", "invalid_refresh_token"],
  ]),
  ...words("misconfigured", [
    ...["bad_client_secret", "invalid_client_id", "invalid_client", "bad_redirect_uri", "invalid_grant_type"],
    ...["invalid_arguments", "oauth_authorization_url_mismatch", "invalid_scope"],
  ]),
]);

/**
 * OAuth v2 of Slack for bots (docs.slack.dev/authentication/installing-with-oauth). Tokens of apps with token rotation end
 * after twelve hours, those of others never. A workspace that installs an app again is given the same token.
 */
export const slackOAuth: OAuthProvider = {
  type: "slack",
  title: TITLE,
  clientVariables: ["INTERLOCK_SLACK_CLIENT_ID", "INTERLOCK_SLACK_CLIENT_SECRET"],
  client() {
    const { INTERLOCK_SLACK_CLIENT_ID: id, INTERLOCK_SLACK_CLIENT_SECRET: secret } = environment();
    return id !== undefined && secret !== undefined ? { id, secret } : null;
  },
  addresses: () => ({
    authorize: new URL("/oauth/v2/authorize", environment().INTERLOCK_SLACK_API_URL).href,
    token: `${apiUrl()}/oauth.v2.access`,
  }),
  usesPkce: false,
  scopeSeparator: ",",
  parameters: {},
  config: slackConfigSchema,
  neededScopes: (config) => config.private_channels === true ? [...SCOPES, ...PRIVATE_SCOPES] : [...SCOPES],
  linksAccount: true,
  failureOf(status, headers, parsed) {
    const code = codeOf(parsed?.error);
    if (status === 429) return tokenFailure("rate_limited", TITLE, code, headers);
    if (status >= 500) return tokenFailure("transient", TITLE, code, headers);
    // A 200 says nothing: `ok` decides.
    if (status === 200 && parsed?.ok === true) return null;
    const errorClass = code === null ? undefined : OWN_CLASSES.get(code) ?? slackErrorClass(code);
    return tokenFailure(errorClass ?? "malformed_answer", TITLE, code, headers);
  },
  grantOf(answer, _client, nowMs) {
    const team = answer.team as { id?: unknown; name?: unknown } | null | undefined;
    if (answer.is_enterprise_install === true || typeof team?.id !== "string") {
      throw new ProviderError(
        "misconfigured",
        "The app was installed for a whole organization; install it in one workspace.",
      );
    }
    const id = textOf({ team_id: team.id }, "team_id", TITLE);
    return {
      secrets: secretsOf(answer, nowMs, { team_id: id }),
      account: { id, name: typeof team.name === "string" && team.name !== "" ? team.name.slice(0, 320) : id },
      scopes: textOf(answer, "scope", TITLE).split(","),
    };
  },
  tokensOf(secrets) {
    if (typeof secrets.bot_token !== "string") return null;
    return {
      accessToken: secrets.bot_token,
      refreshToken: typeof secrets.refresh_token === "string" ? secrets.refresh_token : null,
      expiresAtMs: typeof secrets.expires_at === "string" ? Date.parse(secrets.expires_at) : null,
    };
  },
  renewed: (secrets, answer, nowMs) => secretsOf(answer, nowMs, secrets),
  revocation: (tokens) =>
    formRequest(`${apiUrl()}/auth.revoke`, {}, { authorization: `Bearer ${tokens.accessToken}` }),
  // Not token_expired: its refresh token lives.
  revokedCodes: ["token_revoked", "invalid_auth", "account_inactive"],
  marginMs: 15 * 60_000,
  // Deliveries to channels read the token where it lies.
  keepsFresh: true,
};

const apiUrl = () => environment().INTERLOCK_SLACK_API_URL.replace(/\/+$/, "");

function secretsOf(answer: TokenAnswer, nowMs: number, before: StoredSecrets): StoredSecrets {
  const { expires_at: _, ...kept } = before;
  const expiresAt = expiryOf(answer, nowMs);
  return {
    ...kept,
    bot_token: textOf(answer, "access_token", TITLE),
    ...(answer.refresh_token === undefined ? {} : { refresh_token: textOf(answer, "refresh_token", TITLE) }),
    ...(expiresAt === null ? {} : { expires_at: expiresAt }),
    ...(answer.scope === undefined ? {} : { scope: textOf(answer, "scope", TITLE) }),
  };
}

function words(errorClass: ProviderErrorClass, codes: string[]): [string, ProviderErrorClass][] {
  return codes.map((code) => [code, errorClass]);
}
