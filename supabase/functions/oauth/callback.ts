import * as z from "zod";
import { refreshDueAt } from "../_shared/connectors/token_refresh.ts";
import { hubStore } from "../_shared/db/store.ts";
import { sendRequest } from "../_shared/guardrails.ts";
import { NO_STORE } from "../_shared/http/no_store.ts";
import { route } from "../_shared/http/route.ts";
import { errorFields } from "../_shared/log.ts";
import type { Grant, OAuthClient, OAuthProvider } from "../_shared/providers/oauth_provider.ts";
import { exchangeCode } from "../_shared/providers/oauth_requests.ts";
import { ProviderError } from "../_shared/providers/provider_error.ts";
import { knownProvider, redirectUrl, requiredClient, requiredConsoleUrl } from "./installation.ts";
import { type CheckedState, checkedState, hashOf, newCode, STATE_LIFETIME_MS } from "./state_token.ts";

/** What the console is told when it came to nothing; docs/connectors/oauth.md explains each. */
const OAUTH_ERRORS = [
  "access_denied",
  "state_invalid",
  "provider_refused",
  "provider_unavailable",
  "app_misconfigured",
  "unavailable",
] as const;
type OAuthError = typeof OAUTH_ERRORS[number];

/** Anything: a parameter that is no good is a state that is no good, and no answer of its own. */
const querySchema = z.object({
  code: z.string().optional(),
  state: z.string().optional(),
  error: z.string().optional(),
  iss: z.string().optional(),
});
type Answer = z.infer<typeof querySchema>;

/** What was begun, as take_oauth_state tells it. */
interface Begun {
  id: string;
  tenant_id: string;
  user_id: string;
  provider: string;
  config: Record<string, unknown>;
}

/** Ends the way here with a word for the console. */
class CameToNothing extends Error {
  constructor(readonly oauthError: OAuthError, readonly reason: string) {
    super(reason);
  }
}

export const callbackRoutes = [
  route({
    method: "GET",
    path: "/callback/:provider",
    summary: "Takes a provider's answer and sends the browser on to the console",
    auth: "public",
    query: querySchema,
    errors: ["NOT_FOUND", "CONNECTOR_MISCONFIGURED"],
    response: {
      status: 302,
      form: "redirect",
      schema: () =>
        z.url().describe(
          `INTERLOCK_CONSOLE_URL with provider, and oauth_code, or oauth_error: ${OAUTH_ERRORS.join(", ")}.`,
        ),
    },
    examples: [{
      name: "nobody_began_this",
      params: { provider: "google_workspace" },
      path_stands_for: { provider: "oauth_provider" },
      query: { state: "unknown", code: "unknown" },
    }],
    handler: async ({ params, query, log }) => {
      const provider = await knownProvider(params.provider);
      // Before anything is asked: an answer that could not be handed on is not taken.
      const url = new URL(requiredConsoleUrl());
      const client = requiredClient(provider);
      url.searchParams.set("provider", provider.type);
      try {
        url.searchParams.set("oauth_code", await taken(provider, client, query));
      } catch (error) {
        const { oauthError, reason } = wordFor(error);
        const level = oauthError === "unavailable" ? "error" : "info";
        const cause = error instanceof CameToNothing ? {} : errorFields(error);
        log[level]("a connection came to nothing", {
          provider: provider.type,
          code: oauthError,
          reason,
          ...cause,
        });
        url.searchParams.set("oauth_error", oauthError);
      }
      return new Response(null, {
        status: 302,
        headers: { ...NO_STORE, location: url.href, "referrer-policy": "no-referrer" },
      });
    },
  }),
];

function wordFor(error: unknown): { oauthError: OAuthError; reason: string } {
  if (error instanceof CameToNothing) return error;
  if (!(error instanceof ProviderError)) return { oauthError: "unavailable", reason: "not stored" };
  const reason = `${error.errorClass} ${error.providerCode ?? ""}`.trim();
  if (error.errorClass === "misconfigured") return { oauthError: "app_misconfigured", reason };
  return { oauthError: error.isPassing ? "provider_unavailable" : "provider_refused", reason };
}

/** Exchanges what the provider sent for a grant, which waits for whoever began; answers their one-time code. */
async function taken(provider: OAuthProvider, client: OAuthClient, answer: Answer): Promise<string> {
  const state = await checkedState(answer.state ?? "", provider.type, Date.now());
  if (state === null) throw new CameToNothing("state_invalid", "not ours, of another provider, or too old");
  if (answer.iss !== undefined && provider.issuer !== undefined && answer.iss !== provider.issuer) {
    throw new CameToNothing("state_invalid", "answered by another issuer");
  }
  const begun = await begunWith(state, provider);
  if (answer.error !== undefined) {
    const isDenied = answer.error === "access_denied";
    throw new CameToNothing(isDenied ? "access_denied" : "provider_refused", "not granted");
  }
  if (!answer.code) throw new CameToNothing("provider_refused", "no code");
  const tokens = await exchangeCode(provider, client, sendRequest, {
    code: answer.code,
    redirectUri: redirectUrl(provider.type),
    verifier: provider.usesPkce ? state.verifier : null,
  });
  const grant = provider.grantOf(tokens, client, Date.now());
  return await kept(provider, begun, grant);
}

/** Takes the state: the second one to come with it finds nothing. */
async function begunWith(state: CheckedState, provider: OAuthProvider): Promise<Begun> {
  const begun = await hubStore().call<Begun | null>("take_oauth_state", { p_state_hash: state.hash });
  if (begun === null) throw new CameToNothing("state_invalid", "unknown or used");
  const owner = { provider: begun.provider, tenantId: begun.tenant_id, userId: begun.user_id };
  if (begun.provider !== provider.type || !await state.isOf(owner)) {
    throw new CameToNothing("state_invalid", "of somebody else");
  }
  return begun;
}

/** Stores what was granted. When that fails it is forgotten and not revoked: with it, others of the account would end. */
async function kept(provider: OAuthProvider, begun: Begun, grant: Grant): Promise<string> {
  const code = newCode();
  const tokens = provider.tokensOf(grant.secrets)!;
  const isKept = await hubStore().call<boolean>("keep_oauth_grant", {
    p_state_id: begun.id,
    p_secret: JSON.stringify(grant.secrets),
    p_code_hash: await hashOf(code),
    p_scopes: grant.scopes,
    p_missing_scopes: provider.neededScopes(begun.config).filter((scope) => !grant.scopes.includes(scope)),
    p_account_id: grant.account.id,
    p_account_name: grant.account.name,
    p_links_account: provider.linksAccount,
    p_token_expires_at: tokens.expiresAtMs === null ? null : new Date(tokens.expiresAtMs).toISOString(),
    p_refresh_due_at: refreshDueAt(provider, tokens),
    p_lifetime_ms: STATE_LIFETIME_MS,
  });
  if (!isKept) throw new CameToNothing("state_invalid", "has a grant already");
  return code;
}
