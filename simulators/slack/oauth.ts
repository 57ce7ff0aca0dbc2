import {
  type IssuedTokens,
  OAuthRefusal,
  OAuthServer,
  type OAuthServerOptions,
  sendBack,
} from "../oauth_server.ts";

/** What differs from test to test. */
export type SlackOAuthOptions =
  & Pick<OAuthServerOptions, "clientId" | "clientSecret" | "redirectUris">
  & Partial<Pick<OAuthServerOptions, "accessTokenLifetimeMs">>
  & {
    /** Whether the app has token rotation switched on. */
    rotates: boolean;
  };

/** An authorization server that gives what Slack gives. It knows no PKCE. */
export function slackOAuthServer({ rotates, ...options }: SlackOAuthOptions): OAuthServer {
  const server = new OAuthServer({
    pkce: "unknown",
    prefixes: rotates
      ? { access: "xoxe.xoxb-1-", refresh: "xoxe-1-" }
      : { access: "xoxb-", refresh: "none-" },
    accessTokenLifetimeMs: 43_200_000,
    rotates,
    refreshes: rotates,
    ...options,
  });
  server.consenting = { id: "T0TEAM", name: "Acme" };
  return server;
}

/** Answers slack.com/oauth/v2/authorize, /api/oauth.v2.access and /api/auth.revoke; null = another address. */
export function slackOAuthHandler(server: OAuthServer): (request: Request) => Promise<Response | null> {
  return async (request) => {
    const url = new URL(request.url);
    switch (`${request.method} ${url.pathname}`) {
      case "GET /oauth/v2/authorize":
        return authorize(server, url.searchParams);
      case "POST /api/oauth.v2.access":
        return access(server, new URLSearchParams(await request.text()));
      case "POST /api/auth.revoke":
        await request.body?.cancel();
        return revoke(server, request.headers.get("authorization"));
      default:
        return null;
    }
  };
}

function authorize(server: OAuthServer, parameters: URLSearchParams): Response {
  try {
    const question = server.question(parameters, ",");
    const decided = server.decide(question);
    return sendBack(question, decided === null ? { error: "access_denied" } : { code: decided.code });
  } catch (error) {
    if (error instanceof OAuthRefusal) {
      return new Response(`Something went wrong: ${error.code}`, { status: 400 });
    }
    throw error;
  }
}

/** Slack's words for what RFC 6749 has others for. */
const WORDS: Record<string, string> = {
  invalid_client: "bad_client_secret",
  redirect_uri_mismatch: "bad_redirect_uri",
  invalid_grant: "invalid_code",
};

function access(server: OAuthServer, form: URLSearchParams): Response {
  const isRefresh = form.get("grant_type") === "refresh_token";
  try {
    return Response.json(
      answered(server, isRefresh ? server.refresh(form) : server.exchange(form), isRefresh),
    );
  } catch (error) {
    if (!(error instanceof OAuthRefusal)) throw error;
    const isGrant = isRefresh && error.code === "invalid_grant";
    // At 200, as everything of Slack's.
    return Response.json({
      ok: false,
      error: isGrant ? "invalid_refresh_token" : WORDS[error.code] ?? error.code,
    });
  }
}

function answered(server: OAuthServer, tokens: IssuedTokens, isRefresh: boolean): Record<string, unknown> {
  return {
    ok: true,
    access_token: tokens.accessToken,
    token_type: "bot",
    scope: tokens.scopes.join(","),
    bot_user_id: "U0BOT",
    app_id: "A0APP",
    team: { id: tokens.account.id, name: tokens.account.name },
    enterprise: null,
    is_enterprise_install: false,
    ...(isRefresh ? {} : { authed_user: { id: "U0USER" } }),
    ...(server.options.rotates ? { refresh_token: tokens.refreshToken, expires_in: tokens.expiresInS } : {}),
  };
}

function revoke(server: OAuthServer, authorization: string | null): Response {
  const token = /^Bearer (\S+)$/.exec(authorization ?? "")?.[1];
  if (token === undefined) return Response.json({ ok: false, error: "not_authed" });
  return server.revoke(token)
    ? Response.json({ ok: true, revoked: true })
    : Response.json({ ok: false, error: "token_revoked" });
}
