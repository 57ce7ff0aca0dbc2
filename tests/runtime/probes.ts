import type { Demo } from "../../local/demo.ts";
import type { Stack } from "../../local/stack.ts";
import { hubspotEvent, hubspotHeaders } from "../../simulators/hubspot/webhook.ts";

/** What a probe needs: where the function listens, and the stack behind it. */
export interface ProbeContext {
  /** The function's own process, for example http://127.0.0.1:40123/integrations. */
  url: string;
  stack: Stack;
  demo: Demo;
}

/** One request to a function and the status it must answer. */
export interface Probe {
  expected: number;
  send(context: ProbeContext): Promise<Response>;
}

/** Per function one good and one bad request. A function without a line here fails the run. */
export const probes: Record<string, { good: Probe; bad: Probe }> = {
  "webhook-receiver": {
    good: { expected: 200, send: (context) => sendWebhook(context, null) },
    bad: { expected: 401, send: (context) => sendWebhook(context, "another secret") },
  },
  "event-dispatch": {
    good: {
      expected: 202,
      send: ({ url, stack }) => fetch(url, { method: "POST", headers: { apikey: stack.hubKey }, body: "{}" }),
    },
    bad: {
      expected: 401,
      send: ({ url }) => fetch(url, { method: "POST", body: "{}" }),
    },
  },
  "meta-webhook-deliver": {
    good: {
      expected: 202,
      send: ({ url, stack }) => fetch(url, { method: "POST", headers: { apikey: stack.hubKey }, body: "{}" }),
    },
    bad: {
      expected: 401,
      send: ({ url }) => fetch(url, { method: "POST", body: "{}" }),
    },
  },
  "oauth": {
    good: {
      expected: 202,
      send: ({ url, stack }) =>
        fetch(`${url}/upkeep`, { method: "POST", headers: { apikey: stack.hubKey }, body: "{}" }),
    },
    bad: {
      expected: 401,
      send: ({ url }) => fetch(`${url}/upkeep`, { method: "POST", body: "{}" }),
    },
  },
  "guardian-meta": {
    good: { expected: 200, send: (context) => getAsOwner(context, "/integrations") },
    bad: { expected: 401, send: ({ url }) => fetch(`${url}/integrations`) },
  },
  "event-subscriptions": {
    good: { expected: 200, send: (context) => getAsOwner(context, "") },
    bad: { expected: 401, send: ({ url }) => fetch(url) },
  },
  "slack-notify": {
    // Nobody's connector: the answer comes from the far end of what a boot loads.
    good: { expected: 404, send: ({ url, stack, demo }) => sendNotice(url, stack.hubKey, demo) },
    bad: { expected: 401, send: ({ url, demo }) => sendNotice(url, "sb_secret_wrong", demo) },
  },
  "odoo-sync": {
    good: { expected: 404, send: ({ url, stack, demo }) => sendSync(url, stack.hubKey, demo) },
    bad: { expected: 401, send: ({ url, demo }) => sendSync(url, "sb_secret_wrong", demo) },
  },
  "api-sync": {
    good: { expected: 404, send: ({ url, stack, demo }) => sendSync(url, stack.hubKey, demo) },
    bad: { expected: 401, send: ({ url, demo }) => sendSync(url, "sb_secret_wrong", demo) },
  },
  "gmail-sync": {
    good: { expected: 404, send: ({ url, stack, demo }) => sendSync(url, stack.hubKey, demo) },
    bad: { expected: 401, send: ({ url, demo }) => sendSync(url, "sb_secret_wrong", demo) },
  },
  "google-calendar-sync": {
    good: { expected: 404, send: ({ url, stack, demo }) => sendSync(url, stack.hubKey, demo) },
    bad: { expected: 401, send: ({ url, demo }) => sendSync(url, "sb_secret_wrong", demo) },
  },
  "google-drive-sync": {
    good: { expected: 404, send: ({ url, stack, demo }) => sendSync(url, stack.hubKey, demo) },
    bad: { expected: 401, send: ({ url, demo }) => sendSync(url, "sb_secret_wrong", demo) },
  },
  "slack-sync": {
    good: { expected: 404, send: ({ url, stack, demo }) => sendSync(url, stack.hubKey, demo) },
    bad: { expected: 401, send: ({ url, demo }) => sendSync(url, "sb_secret_wrong", demo) },
  },
  "integrations": {
    good: { expected: 200, send: (context) => getAsOwner(context, "/webhooks") },
    bad: {
      expected: 401,
      send: ({ url, demo }) =>
        fetch(`${url}/webhooks`, { headers: { "x-org-id": demo.tenants[0]!.orgs[0]!.id } }),
    },
  },
};

function sendWebhook({ url, demo }: ProbeContext, wrongSecret: string | null): Promise<Response> {
  const webhook = demo.webhooks.find((candidate) => candidate.provider === "hubspot")!;
  const body = JSON.stringify([hubspotEvent({ subscriptionType: "contact.creation", objectId: Date.now() })]);
  // Signed is the public URL, wherever the process listens.
  const headers = hubspotHeaders({ url: webhook.url, body, secret: wrongSecret ?? webhook.secret });
  return fetch(`${url}/${webhook.id}`, { method: "POST", headers, body });
}

function sendNotice(url: string, apikey: string, demo: Demo): Promise<Response> {
  const body = {
    tenant_id: demo.tenants[0]!.id,
    connector_id: crypto.randomUUID(),
    message: { text: "Hello" },
  };
  return fetch(url, { method: "POST", headers: { apikey }, body: JSON.stringify(body) });
}

/** Nobody's connector, too. */
function sendSync(url: string, apikey: string, demo: Demo): Promise<Response> {
  const body = { tenant_id: demo.tenants[0]!.id, connector_id: crypto.randomUUID() };
  return fetch(url, { method: "POST", headers: { apikey }, body: JSON.stringify(body) });
}

async function getAsOwner({ url, stack, demo }: ProbeContext, path: string): Promise<Response> {
  const [tenant] = demo.tenants;
  const { email, password } = tenant!.users[0]!;
  const signedIn = await fetch(`${stack.apiUrl}/auth/v1/token?grant_type=password`, {
    method: "POST",
    headers: { apikey: stack.publishableKey },
    body: JSON.stringify({ email, password }),
  });
  const { access_token: token } = await signedIn.json();
  return await fetch(url + path, {
    headers: { authorization: `Bearer ${token}`, "x-org-id": tenant!.orgs[0]!.id },
  });
}
