import * as z from "zod";
import { hubClient } from "../_shared/db/clients.ts";
import { hubStore } from "../_shared/db/store.ts";
import { tenantDb } from "../_shared/db/tenant_db.ts";
import { unwrap } from "../_shared/db/unwrap.ts";
import { InterlockError } from "../_shared/guardrails.ts";
import type { UserAccess } from "../_shared/http/access.ts";
import { route } from "../_shared/http/route.ts";
import type { SampleRequest } from "../_shared/providers/webhook_scheme.ts";
import { signedAppSample } from "./app_sample.ts";
import { callOurselves, explained } from "./self_call.ts";
import { webhookTestAnswer } from "./webhook_answers.ts";
import { knownScheme, urlOf } from "./webhook_input.ts";

const verifierSchema = z.object({
  provider: z.string(),
  signing_url: z.string().nullable(),
  secret: z.string(),
  settings: z.record(z.string(), z.unknown()),
}).nullable();

/** A sample, and where it goes without what may be a secret in the address. */
export interface AddressedSample extends SampleRequest {
  shownUrl: string;
}

export const webhookTestRoutes = [
  route({
    method: "POST",
    path: "/webhooks/:webhook_id/test",
    summary: "Signs a sample of the provider's, sends it to the webhook's public URL, answers what came back",
    auth: "user",
    permission: "webhooks.manage",
    org: "required",
    uuidParams: ["webhook_id"],
    response: { status: 200, schema: webhookTestAnswer },
    errors: ["CONFLICT"],
    examples: [{ name: "now" }],
    handler: async ({ access, params }) => Response.json(await tested(access, params.webhook_id!)),
  }),
];

async function tested(access: UserAccess, webhookId: string) {
  const testId = z.uuid().parse(unwrap(
    await tenantDb(access.tenantId, hubClient()).rpc("begin_webhook_test", {
      p_org_id: access.orgId as string,
      p_webhook_id: webhookId,
      p_actor: access.userId,
    }),
  ));
  const requestId = `test_${testId}`;
  const sample = await signedAppSample(access, webhookId) ?? await signedSample(webhookId);
  const heard = await callOurselves(sample, requestId);
  const receipt = unwrap(
    await access.db.from("webhook_receipts").select("id").eq("webhook_id", webhookId)
      .eq("request_id", requestId).order("received_at", { ascending: false }).limit(1).maybeSingle(),
  );
  const accepted = heard.status !== null && heard.status >= 200 && heard.status < 300;
  return {
    success: accepted && receipt !== null,
    test_id: testId,
    url: sample.shownUrl,
    ...heard,
    receipt_id: receipt?.id ?? null,
    why: receipt !== null && accepted ? null : explained(heard.status),
  };
}

/**
 * A sample for the URL that the webhook is reached at, signed for the URL that the provider signs.
 *
 * @throws {InterlockError} CONFLICT when we cannot sign as the provider does, or the webhook was switched off meanwhile.
 */
async function signedSample(webhookId: string): Promise<AddressedSample> {
  const verifier = verifierSchema.parse(
    await hubStore().call("get_webhook_verifier", { p_webhook_id: webhookId }),
  );
  if (verifier === null) {
    throw new InterlockError("CONFLICT", "This webhook was switched off meanwhile; activate it first.");
  }
  const { provider, secret } = verifier;
  const scheme = await knownScheme(provider);
  const settings = scheme.settings().parse(verifier.settings);
  const signedUrl = verifier.signing_url ?? urlOf(webhookId);
  const sample = await scheme.sample(secret, settings, Date.now(), signedUrl);
  if (sample === null) {
    throw new InterlockError(
      "CONFLICT",
      `${provider} signs with a key that only it has; let it send a test of its own.`,
    );
  }
  // What the scheme put into the query belongs to the request, wherever it is sent.
  const query = sample.url.startsWith(signedUrl) ? sample.url.slice(signedUrl.length) : "";
  return { ...sample, url: urlOf(webhookId) + query, shownUrl: urlOf(webhookId) };
}
