import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import {
  appUrl,
  assertTaken,
  contactEvent,
  createConnector,
  createCustomer,
  linkAccount,
  newAccount,
  sendEvents,
  sendToApp,
  slackEvent,
  storedOf,
  unknownCount,
  zohoNotification,
  zohoToken,
} from "../support/app.ts";
import { adminSql, eventually, sql, stack, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";

stackTest(
  "APP: what each provider's app signs reaches the tenant of the account, byte for byte",
  async () => {
    const bodies = {
      hubspot: (account: string) => ` [ ${JSON.stringify(contactEvent(account))}\n]`,
      slack: slackEvent,
      zoho: (account: string) => zohoNotification(account),
    };
    for (const provider of ["hubspot", "slack", "zoho"] as const) {
      const customer = await createCustomer(provider);
      const body = bodies[provider](customer.accountId);
      assertTaken(await sendToApp(provider, body));
      const [receipt, ...more] = await storedOf(customer.webhookId);
      assert.deepEqual([more, receipt!.tenantId], [[], customer.tenant.id]);
      assert.equal(receipt!.body, body.replace(zohoToken(customer.accountId), "*".repeat(48)));
      assert.equal(receipt!.elements.length, 1);
    }
  },
);

stackTest(
  "APP: a wrong signature and an unknown provider are refused alike, and nothing is stored",
  async () => {
    const [hubspot, slack, zoho] = [
      await createCustomer("hubspot"),
      await createCustomer("slack"),
      await createCustomer("zoho"),
    ];
    const events = JSON.stringify([contactEvent(hubspot.accountId)]);
    const secret = "another-secret-than-the-app's";
    const answers = [
      await sendToApp("hubspot", events, { secret }),
      await sendToApp("slack", slackEvent(slack.accountId), { secret }),
      await sendToApp("zoho", zohoNotification(zoho.accountId, zohoToken(zoho.accountId, secret))),
      await sendToApp("hubspot", events, { url: appUrl("salesforce") }),
      await sendToApp("hubspot", events, { url: appUrl("nobody") }),
      await sendToApp("hubspot", events, { url: appUrl("constructor") }),
      await sendToApp("slack", events, { url: appUrl("hubspot") }),
    ];
    const seen = answers.map(({ status, body }) => JSON.stringify([status, { ...body, request_id: "" }]));
    assert.deepEqual(new Set(seen).size, 1, seen.join("\n"));
    assert.deepEqual([answers[0]!.status, answers[0]!.body.error_code], [401, "UNAUTHENTICATED"]);
    for (const { webhookId } of [hubspot, slack, zoho]) assert.deepEqual(await storedOf(webhookId), []);
  },
);

stackTest("APP: the token of a Zoho channel does not speak for another one", async () => {
  const [own, foreign] = [await createCustomer("zoho"), await createCustomer("zoho")];
  const forged = zohoNotification(foreign.accountId, zohoToken(own.accountId));
  assert.equal((await sendToApp("zoho", forged)).status, 401);
  assert.deepEqual(await storedOf(foreign.webhookId), []);
});

stackTest(
  "APP: of a batch each tenant gets its portal's events, numbers exact, and nobody another's",
  async () => {
    const [one, other] = [await createCustomer(), await createCustomer()];
    const text = (account: string, secretOf: string, more: string) =>
      JSON.stringify(contactEvent(account)).replace(/\}$/, `, "of": "${secretOf}", ${more} }`);
    const events = [
      text(one.accountId, "first-of-one", `"amount": 12345678901234567890.10, "e": 1E400`),
      text(other.accountId, "first-of-other", `"note": "\\u00e9],[{\\"", "amount": -0.0`),
      text(newAccount(), "of-nobody", `"x": []`),
      text(one.accountId, "second-of-one", `"deep": ${"[".repeat(3000)}${"]".repeat(3000)}`),
    ];
    assertTaken(await sendToApp("hubspot", `[${events.join(" ,\n")}]`), { receipts: 2, unknown: 1 });
    const [ofOne] = await storedOf(one.webhookId);
    const [ofOther] = await storedOf(other.webhookId);
    assert.equal(ofOne!.body, `[${events[0]},${events[3]}]`);
    assert.equal(ofOther!.body, `[${events[1]}]`);
    assert.deepEqual(ofOne!.elements.map(({ index }) => index), [0, 1]);
    assert.deepEqual(ofOther!.elements.map(({ index }) => index), [0]);
    assert.deepEqual([ofOne!.tenantId, ofOther!.tenantId], [one.tenant.id, other.tenant.id]);
    // And over the API: the manager of one sees that receipt, and not the other's.
    const listed = async (customer: typeof one) =>
      await call(`integrations/webhooks/${one.webhookId}/receipts/${ofOne!.id}`, {
        user: customer.tenant.users.manager,
        orgId: customer.tenant.orgs[0],
      });
    assert.deepEqual([(await listed(one)).status, (await listed(other)).status], [200, 404]);
  },
);

stackTest("APP: consumers find their element in the account's own part", async () => {
  const [one, other] = [await createCustomer(), await createCustomer()];
  const news = contactEvent(other.accountId, {
    subscriptionType: "contact.propertyChange",
    propertyName: "email",
    propertyValue: "second@example.com",
  });
  await sendEvents(contactEvent(one.accountId), contactEvent(one.accountId), news);
  const [contact] = await eventually(async () => {
    const rows = await sql`select email from public.crm_contacts where tenant_id = ${other.tenant.id}`;
    return rows.length > 0 && rows;
  });
  assert.equal(contact!.email, "second@example.com");
});

stackTest(
  "APP: known news is told apart within a request and across requests, for each account",
  async () => {
    const [one, other] = [await createCustomer(), await createCustomer()];
    const [first, second] = [contactEvent(one.accountId), contactEvent(other.accountId)];
    const again = { ...first, attemptNumber: 1 };
    assertTaken(await sendEvents(first, again, second), { receipts: 2 });
    assertTaken(await sendEvents(again, { ...second, attemptNumber: 1 }), { receipts: 2, duplicate: true });
    // Partly seen: of one something is new, of the other nothing.
    assertTaken(await sendEvents(again, contactEvent(one.accountId), second), { receipts: 2 });
    const counts = async (id: string) => (await storedOf(id)).map(({ elements }) => elements.length);
    assert.deepEqual(await counts(one.webhookId), [1, 1]);
    assert.deepEqual(await counts(other.webhookId), [1]);
  },
);

stackTest(
  "APP: news of an account that nobody has connected is answered 200, counted and not stored",
  async () => {
    const accountId = newAccount();
    const event = contactEvent(accountId);
    assertTaken(await sendEvents(event, contactEvent(accountId)), { receipts: 0, unknown: 1 });
    // In the same request as nobody's at all: no portal, an odd one.
    const odd = JSON.stringify([{ a: 1 }, null, { ...event, portalId: "a b" }]);
    assertTaken(await sendToApp("hubspot", odd), { receipts: 0, unknown: 2 });
    await eventually(async () => await unknownCount("hubspot", accountId));
    assert.deepEqual(await unknownCount("hubspot", accountId), { requests: 1, elements: 2 });
    assert.ok((await unknownCount("hubspot", ""))!.elements >= 3);
    // Connected, its news is taken at once, and it is no longer in the operator's list.
    const tenant = await createTenant();
    const webhookId = await linkAccount(tenant.id, await createConnector(tenant, "hubspot"), accountId);
    assertTaken(await sendEvents(event));
    assert.equal((await storedOf(webhookId)).length, 1);
    assert.equal(await unknownCount("hubspot", accountId), undefined);
  },
);

stackTest(
  "APP: what cannot be stored is told so, the rest is stored, and sending again brings all once",
  async () => {
    const [one, other] = [await createCustomer(), await createCustomer()];
    // Its own trigger fails for the one webhook only, as a database that is shutting down.
    const name = `fail_${other.webhookId.replaceAll("-", "")}`;
    await adminSql.unsafe(`create function private.${name}() returns trigger language plpgsql as $$
    begin raise exception 'going down' using errcode = '57P01'; end; $$;
    create trigger ${name} before insert on public.webhook_receipts for each row
    when (new.webhook_id = '${other.webhookId}') execute function private.${name}()`);
    const events = [contactEvent(one.accountId), contactEvent(other.accountId)];
    try {
      const refused = await sendEvents(...events);
      assert.deepEqual([refused.status, refused.body.error_code], [503, "UNAVAILABLE"]);
      assert.ok(Number(refused.headers.get("retry-after")) >= 1);
      const [ofOne, ofOther] = [await storedOf(one.webhookId), await storedOf(other.webhookId)];
      assert.deepEqual([ofOne.length, ofOther.length], [1, 0]);
    } finally {
      await adminSql.unsafe(`drop function private.${name}() cascade`);
    }
    assertTaken(await sendEvents(...events), { receipts: 2 });
    for (const { webhookId } of [one, other]) assert.equal((await storedOf(webhookId)).length, 1);
  },
);

stackTest("APP: one tenant over its rate delays nobody's news, and none of its own is lost", async () => {
  const [slow, other] = [await createCustomer(), await createCustomer()];
  const patched = await call(`integrations/webhooks/${slow.webhookId}`, {
    ...{ user: slow.tenant.users.admin, orgId: slow.tenant.orgs[0], method: "PATCH" },
    body: { rate_limit_per_second: 1 },
  });
  assert.equal(patched.status, 200);
  const requests = Array.from(
    { length: 6 },
    () => [contactEvent(slow.accountId), contactEvent(other.accountId)],
  );
  const answers = await Promise.all(requests.map((events) => sendEvents(...events)));
  const refused = answers.filter(({ status }) => status === 429);
  // However slow the machine is, six at once are not spread over as many seconds.
  assert.ok(refused.length >= 1, `${refused.length} of 6`);
  for (const { body, headers } of refused) {
    assert.equal(body.error_code, "RATE_LIMITED");
    assert.ok(Number(headers.get("retry-after")) >= 1);
  }
  assert.equal((await storedOf(other.webhookId)).length, 6, "the other's are stored at the first attempt");
  assert.equal((await storedOf(slow.webhookId)).length, 6 - refused.length, "what was refused is not stored");
  for (const events of requests) {
    await eventually(async () => (await sendEvents(...events)).status === 200);
  }
  for (const { webhookId } of [slow, other]) assert.equal((await storedOf(webhookId)).length, 6);
});

stackTest("APP: a connector's filter holds, and what it does not want is counted", async () => {
  const customer = await createCustomer();
  await sql`update public.integration_webhooks set event_types = '{company.*}' where id = ${customer.webhookId}`;
  const company = contactEvent(customer.accountId, { subscriptionType: "company.creation" });
  assertTaken(await sendEvents(contactEvent(customer.accountId)), { receipts: 0 });
  assertTaken(await sendEvents(contactEvent(customer.accountId), company));
  const [receipt] = await storedOf(customer.webhookId);
  assert.deepEqual(receipt!.elements, [{ index: 1, type: "company.creation" }]);
  await eventually(async () => {
    const [row] = await sql`select sum(filtered_count)::int as n from private.webhook_statistics
      where webhook_id = ${customer.webhookId}`;
    return row!.n === 2;
  });
});

stackTest("APP: Slack gets its challenge back once the signature is right", async () => {
  const question = JSON.stringify({
    type: "url_verification",
    token: "x",
    challenge: "3eZbrw1aBm2rZgRNFdxV",
  });
  const refused = await sendToApp("slack", question, { secret: "another-secret-than-the-app's" });
  assert.equal(refused.status, 401);
  const answer = await sendToApp("slack", question);
  assert.deepEqual([answer.status, answer.body], [200, "3eZbrw1aBm2rZgRNFdxV"]);
});

stackTest(
  "APP: Slack's news goes to the installations it is for, and neither hears of the other",
  async () => {
    const [one, other] = [await createCustomer("slack"), await createCustomer("slack")];
    const authorization = (teamId: string) => ({
      team_id: teamId,
      is_bot: true,
      is_enterprise_install: false,
    });
    // A channel shared with a workspace of nobody's, where it was said.
    const shared = slackEvent(newAccount("slack"), { authorizations: [authorization(one.accountId)] });
    assertTaken(await sendToApp("slack", shared));
    const both = slackEvent(one.accountId, {
      authorizations: [authorization(one.accountId), authorization(other.accountId)],
    });
    assertTaken(await sendToApp("slack", both), { receipts: 2 });
    const [atOnce, filtered] = await storedOf(one.webhookId);
    assert.equal(atOnce!.body, shared);
    assert.equal(filtered!.body.includes(other.accountId), false);
    const [theirs] = await storedOf(other.webhookId);
    assert.deepEqual(JSON.parse(theirs!.body).authorizations, [authorization(other.accountId)]);
    const form = { type: "application/x-www-form-urlencoded" };
    assertTaken(await sendToApp("slack", `command=%2Fhi&team_id=${other.accountId}`, form));
    const payload = encodeURIComponent(
      JSON.stringify({ type: "block_actions", team: { id: other.accountId } }),
    );
    assertTaken(await sendToApp("slack", `payload=${payload}`, form));
    const types = (await storedOf(other.webhookId)).map(({ elements }) => elements[0]!.type);
    assert.deepEqual(types, ["app_mention", "slash_command", "block_actions"]);
  },
);

stackTest(
  "APP: the webhook of a connector has no address of its own, whatever it is signed with",
  async () => {
    const customer = await createCustomer();
    const url = `${stack.apiUrl}/functions/v1/webhook-receiver/${customer.webhookId}`;
    const direct = await sendToApp("hubspot", JSON.stringify([contactEvent(customer.accountId)]), { url });
    const nobodys = await sendToApp("hubspot", "[]", {
      url: url.replace(customer.webhookId, crypto.randomUUID()),
    });
    assert.deepEqual(
      [direct.status, { ...direct.body, request_id: "" }],
      [401, { ...nobodys.body, request_id: "" }],
    );
    assert.deepEqual(await storedOf(customer.webhookId), []);
  },
);
