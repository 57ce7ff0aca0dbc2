import { utf8Bytes } from "../../crypto/encoding.ts";
import { environment } from "../../env.ts";
import {
  isJsonObject,
  type LosslessJson,
  type LosslessJsonObject,
  scalarText,
  stringifyLossless,
} from "../../json/lossless.ts";
import { formField, isForm } from "../form_body.ts";
import { jsonObjectOrNull, parseJsonObject } from "../json_body.ts";
import { type AccountShare, rememberedKeys, type WebhookApp } from "../webhook_app.ts";
import type { SignedRequest, WebhookElement } from "../webhook_scheme.ts";
import { slack, slackSample } from "./webhook.ts";

/**
 * A Slack app that many workspaces have installed. `authorizations` of an event say for which installations it is; the
 * `team_id` beside them may be another workspace's, with which a channel is shared. Where an app is installed for a whole
 * organization, the account is the organization.
 */
export const slackApp: WebhookApp = {
  scheme: slack,
  secrets: () => environment().INTERLOCK_SLACK_SIGNING_SECRET,
  keyFor: rememberedKeys(slack),
  async shares(request) {
    const elements = await slack.elements(request, {});
    if (isForm(request)) return [{ accountId: accountOfForm(request), body: request.body, elements }];
    return eventShares(request, elements);
  },
  sample: slackSample,
};

function eventShares(request: SignedRequest, elements: WebhookElement[]): AccountShare[] {
  const body = parseJsonObject(request.body);
  const { authorizations } = body;
  if (!Array.isArray(authorizations) || authorizations.length === 0) {
    return [{ accountId: accountOf(body), body: request.body, elements }];
  }
  const byAccount = Map.groupBy(authorizations, accountOf);
  return [...byAccount].map(([accountId, own]) => ({
    accountId,
    // Nobody is told of another installation.
    body: byAccount.size === 1
      ? request.body
      : utf8Bytes(stringifyLossless({ ...body, authorizations: own })),
    elements,
  }));
}

/** The account of an authorization, or of an event or form that has none. */
function accountOf(value: LosslessJson): string | null {
  if (!isJsonObject(value)) return null;
  const team = scalarText(value.team_id) ?? idOf(value.team);
  const organization = scalarText(value.enterprise_id) ?? idOf(value.enterprise);
  return isTrue(value.is_enterprise_install) ? organization : team ?? organization;
}

function idOf(value: LosslessJson | undefined): string | null {
  return isJsonObject(value) ? scalarText(value.id) : null;
}

function isTrue(value: LosslessJson | undefined): boolean {
  return value === true || value === "true";
}

/** Slash commands name their workspace in fields, buttons in the JSON of the field `payload`. */
function accountOfForm(request: SignedRequest): string | null {
  const payload = formField(request.body, "payload");
  if (payload !== null) return accountOf(jsonObjectOrNull(utf8Bytes(payload)));
  const names = ["team_id", "enterprise_id", "is_enterprise_install"];
  const fields: LosslessJsonObject = Object.fromEntries(
    names.map((name) => [name, formField(request.body, name)]),
  );
  return accountOf(fields);
}
