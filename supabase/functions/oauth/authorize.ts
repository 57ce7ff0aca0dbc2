import * as z from "zod";
import { hubClient } from "../_shared/db/clients.ts";
import { tenantDb } from "../_shared/db/tenant_db.ts";
import { unwrap } from "../_shared/db/unwrap.ts";
import type { UserAccess } from "../_shared/http/access.ts";
import { NO_STORE } from "../_shared/http/no_store.ts";
import { route } from "../_shared/http/route.ts";
import { textSchema } from "../_shared/http/text_schema.ts";
import { validated } from "../_shared/http/validated.ts";
import type { OAuthProvider } from "../_shared/providers/oauth_provider.ts";
import { knownProvider, redirectUrl, requiredClient, requiredConsoleUrl } from "./installation.ts";
import { challengeOf, hashOf, newState, STATE_LIFETIME_MS, verifierOf } from "./state_token.ts";

const bodySchema = z.strictObject({
  /** A connector that is connected again; left out, a new one is made. */
  connector_id: z.uuid().optional(),
  /** Of the new connector. */
  name: textSchema(200).optional(),
  /** Settings of the new connector. */
  config: z.record(z.string(), z.unknown()).optional(),
}).refine(
  (body) =>
    body.connector_id === undefined ? body.name !== undefined : body.name === undefined && !body.config,
  "is either a connector_id, or the name (and config) of a new connector",
);

/** What begin_oauth answers. */
const begunSchema = z.object({
  expires_at: z.string(),
  config: z.record(z.string(), z.unknown()),
  account_name: z.string().nullable(),
});

export const authorizeRoutes = [
  route({
    method: "POST",
    path: "/authorize/:provider",
    summary: "Begins to connect an account: answers the address at the provider to open in the browser",
    auth: "user",
    permission: "connectors.manage",
    org: "required",
    bodyLimitBytes: 64 * 1024,
    body: bodySchema,
    errors: ["NOT_FOUND", "CONNECTOR_MISCONFIGURED"],
    response: {
      status: 200,
      schema: () =>
        z.strictObject({
          authorize_url: z.url(),
          expires_at: z.iso.datetime({ offset: true }).describe("Until when the provider may send back."),
        }),
    },
    examples: [
      {
        name: "a_new_connector",
        params: { provider: "google_workspace" },
        path_stands_for: { provider: "oauth_provider" },
        body: { name: "Our drive", config: {} },
      },
    ],
    handler: async ({ access, body, params }) => {
      const provider = await knownProvider(params.provider);
      const client = requiredClient(provider);
      requiredConsoleUrl();
      const config = body.connector_id === undefined ? checkedConfig(provider, body.config) : {};
      const owner = { provider: provider.type, tenantId: access.tenantId, userId: access.userId };
      const state = await newState(owner, Date.now());
      const begun = await begin(access, provider, body, config, state);
      const url = new URL(provider.addresses().authorize);
      const parameters = {
        ...provider.parameters,
        client_id: client.id,
        redirect_uri: redirectUrl(provider.type),
        scope: provider.neededScopes(checkedConfig(provider, begun.config)).join(provider.scopeSeparator),
        state,
        ...(provider.usesPkce
          ? { code_challenge: await challengeOf(await verifierOf(state)), code_challenge_method: "S256" }
          : {}),
        ...(provider.hintParameter && begun.account_name
          ? { [provider.hintParameter]: begun.account_name }
          : {}),
      };
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      return Response.json({ authorize_url: url.href, expires_at: begun.expires_at }, { headers: NO_STORE });
    },
  }),
];

/** @throws {InterlockError} VALIDATION_FAILED */
function checkedConfig(
  provider: OAuthProvider,
  given: Record<string, unknown> = {},
): Record<string, unknown> {
  return validated(provider.config(), given, "config") as Record<string, unknown>;
}

async function begin(
  access: UserAccess,
  provider: OAuthProvider,
  body: z.infer<typeof bodySchema>,
  config: Record<string, unknown>,
  state: string,
): Promise<z.infer<typeof begunSchema>> {
  const begun = await tenantDb(access.tenantId, hubClient()).rpc("begin_oauth", {
    p_org_id: access.orgId as string,
    p_provider: provider.type,
    p_connector_id: (body.connector_id ?? null) as string,
    p_name: (body.name ?? null) as string,
    p_config: JSON.stringify(config),
    p_state_hash: await hashOf(state),
    p_lifetime_ms: STATE_LIFETIME_MS,
    p_actor: access.userId,
  });
  return begunSchema.parse(unwrap(begun));
}
