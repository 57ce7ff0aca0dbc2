import { unwrap } from "../_shared/db/unwrap.ts";
import { InterlockError } from "../_shared/guardrails.ts";
import type { UserAccess } from "../_shared/http/access.ts";
import { appOf, appUrl } from "../_shared/providers/apps.ts";
import type { AddressedSample } from "./webhook_sample.ts";

/**
 * For a webhook that gets its news through an app: a sample of one of its accounts, signed with the app's secret, for the
 * one URL of the app. Null = the webhook has a URL of its own.
 *
 * @throws {InterlockError} CONFLICT naming what is missing for news to arrive at all.
 */
export async function signedAppSample(
  access: UserAccess,
  webhookId: string,
): Promise<AddressedSample | null> {
  const webhook = unwrap(
    await access.db.from("integration_webhooks").select("provider, through_app, connector_id")
      .eq("id", webhookId).maybeSingle(),
  );
  if (!webhook?.through_app) return null;
  const { provider } = webhook;
  const app = await appOf(provider);
  const [secret] = app?.secrets() ?? [];
  if (!app || secret === undefined) {
    throw new InterlockError(
      "CONFLICT",
      `This hub has no app of ${provider}: its secret is not in the configuration.`,
    );
  }
  const connectorId = webhook.connector_id ?? "";
  const account = unwrap(
    await access.db.from("connector_accounts").select("account_id").eq("connector_id", connectorId)
      .order("created_at").order("id").limit(1).maybeSingle(),
  );
  if (account === null) {
    throw new InterlockError("CONFLICT", "No account is connected to the connector of this webhook.");
  }
  const shownUrl = appUrl(provider);
  return { ...await app.sample(secret, account.account_id, Date.now(), shownUrl), shownUrl };
}
