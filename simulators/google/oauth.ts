import { Buffer } from "node:buffer";
import {
  type IssuedTokens,
  OAuthRefusal,
  OAuthServer,
  type OAuthServerOptions,
  sendBack,
} from "../oauth_server.ts";

/** What differs from test to test. */
export type GoogleOAuthOptions =
  & Pick<OAuthServerOptions, "clientId" | "clientSecret" | "redirectUris">
  & Partial<Pick<OAuthServerOptions, "accessTokenLifetimeMs">>;

/** An authorization server that gives what Google gives. Its refresh tokens stay. */
export function googleOAuthServer(options: GoogleOAuthOptions): OAuthServer {
  return new OAuthServer({
    pkce: "required",
    prefixes: { access: "ya29.", refresh: "1//0g" },
    accessTokenLifetimeMs: 3_599_000,
    rotates: false,
    ...options,
  });
}

/**
 * Answers accounts.google.com/o/oauth2/v2/auth and oauth2.googleapis.com/token and /revoke, all under one host; null =
 * another address. A person is not asked: they decide as the server's `consenting` and `allowed` say.
 */
export function googleOAuthHandler(server: OAuthServer): (request: Request) => Promise<Response | null> {
  return async (request) => {
    const url = new URL(request.url);
    switch (`${request.method} ${url.pathname}`) {
      case "GET /o/oauth2/v2/auth":
        return authorize(server, url.searchParams);
      case "POST /token":
        return token(server, new URLSearchParams(await request.text()));
      case "POST /revoke":
        return revoke(server, new URLSearchParams(await request.text()), url.searchParams);
      default:
        return null;
    }
  };
}

function authorize(server: OAuthServer, parameters: URLSearchParams): Response {
  try {
    const question = server.question(parameters, " ");
    if (parameters.get("response_type") !== "code") throw new OAuthRefusal("unsupported_response_type");
    const decided = server.decide(question);
    const iss = "https://accounts.google.com";
    if (decided === null) return sendBack(question, { error: "access_denied", iss });
    return sendBack(question, { iss, code: decided.code, scope: decided.scopes.map(longName).join(" ") });
  } catch (error) {
    // Google shows a page: what came is not to be trusted with the person.
    if (error instanceof OAuthRefusal) return new Response(`Error 400: ${error.code}`, { status: 400 });
    throw error;
  }
}

function token(server: OAuthServer, form: URLSearchParams): Response {
  try {
    switch (form.get("grant_type")) {
      case "authorization_code":
        return answer(server, server.exchange(form), true);
      case "refresh_token":
        return answer(server, server.refresh(form), false);
      default:
        throw new OAuthRefusal("unsupported_grant_type", "Invalid grant_type.");
    }
  } catch (error) {
    if (!(error instanceof OAuthRefusal)) throw error;
    const status = error.code === "invalid_client" ? 401 : 400;
    return Response.json({ error: error.code, error_description: error.description }, { status });
  }
}

function answer(server: OAuthServer, tokens: IssuedTokens, isFirst: boolean): Response {
  return Response.json({
    access_token: tokens.accessToken,
    expires_in: tokens.expiresInS,
    ...(tokens.refreshToken === null ? {} : { refresh_token: tokens.refreshToken }),
    scope: tokens.scopes.map(longName).join(" "),
    token_type: "Bearer",
    ...(isFirst && tokens.scopes.includes("openid") ? { id_token: idToken(server, tokens) } : {}),
  });
}

function revoke(server: OAuthServer, form: URLSearchParams, query: URLSearchParams): Response {
  if (query.has("token")) server.tokensInAddresses.push(query.get("token")!);
  const known = server.revoke(form.get("token") ?? query.get("token") ?? "");
  if (known) return Response.json({});
  return Response.json({ error: "invalid_token", error_description: "Token expired or revoked" }, {
    status: 400,
  });
}

/** Not signed by anything real: it comes over the connection to the token address, and that is what says whose it is. */
function idToken(server: OAuthServer, { account, scopes }: IssuedTokens): string {
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const iat = Math.floor(Date.now() / 1000);
  const claims = {
    iss: "https://accounts.google.com",
    azp: server.options.clientId,
    aud: server.options.clientId,
    sub: account.id,
    ...(scopes.includes("email") ? { email: account.name, email_verified: true } : {}),
    iat,
    exp: iat + 3600,
  };
  return `${encoded({ alg: "RS256", kid: "simulated", typ: "JWT" })}.${encoded(claims)}.${
    encoded("unsigned")
  }`;
}

/** Google answers "email" by its long name. */
const longName = (scope: string) =>
  scope === "email" ? "https://www.googleapis.com/auth/userinfo.email" : scope;
