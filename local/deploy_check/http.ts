import { type Finding, guarded, missing, ok, skipped } from "./finding.ts";
import type { Target } from "./target.ts";

const TIMEOUT_MS = 15_000;

/** How each function is called without credentials; all of them refuse with 401 and a code of ours. */
export const FUNCTION_PROBES: Record<string, { method: "GET" | "POST"; path: string }> = {
  "api-sync": { method: "POST", path: "" },
  "event-dispatch": { method: "POST", path: "" },
  "event-subscriptions": { method: "GET", path: "" },
  "gmail-sync": { method: "POST", path: "" },
  "google-calendar-sync": { method: "POST", path: "" },
  "google-drive-sync": { method: "POST", path: "" },
  "guardian-meta": { method: "GET", path: "/integrations" },
  "integrations": { method: "GET", path: "/webhooks" },
  "meta-webhook-deliver": { method: "POST", path: "" },
  "oauth": { method: "POST", path: "/upkeep" },
  "odoo-sync": { method: "POST", path: "" },
  "slack-notify": { method: "POST", path: "" },
  "slack-sync": { method: "POST", path: "" },
  "webhook-receiver": { method: "POST", path: "/00000000-0000-4000-8000-000000000000" },
};

/** An answer as far as it is judged. `body` is the JSON, null when it was none. */
export interface HttpAnswer {
  status: number;
  body: Record<string, unknown> | null;
}

/** Everything that is asked over HTTP: signing keys, API keys, functions. */
export async function checkHttp(target: Target): Promise<Finding[]> {
  const { apiUrl, publishableKey, secretKey, hubKey } = target;
  if (apiUrl === null) return [skipped("Keys and functions over HTTP", "Give --api-url.")];
  const findings = await guarded("Signing keys", async () => [
    judgeJwks(await ask(`${apiUrl}/auth/v1/.well-known/jwks.json`)),
  ]);
  findings.push(...await checkApiKey(apiUrl, "publishable", publishableKey));
  findings.push(...await checkApiKey(apiUrl, "secret", secretKey));
  for (const [name, probe] of Object.entries(FUNCTION_PROBES)) {
    const url = `${apiUrl}/functions/v1/${name}${probe.path}`;
    findings.push(
      ...await guarded(`Function ${name}`, async () => [
        judgeFunction(
          name,
          await ask(url, { method: probe.method, body: probe.method === "POST" ? "{}" : undefined }),
        ),
      ]),
    );
  }
  if (hubKey === null) {
    return [...findings, skipped("Whether event-dispatch takes the key named hub", "Give --hub-key.")];
  }
  return [
    ...findings,
    ...await guarded("event-dispatch with the hub key", async () => [
      judgeHubCall(
        await ask(`${apiUrl}/functions/v1/event-dispatch`, {
          method: "POST",
          body: "{}",
          headers: { apikey: hubKey },
        }),
      ),
    ]),
  ];
}

async function checkApiKey(
  apiUrl: string,
  kind: "publishable" | "secret",
  key: string | null,
): Promise<Finding[]> {
  if (key === null) return [skipped(`Whether the ${kind} key is accepted`, `Give --${kind}-key.`)];
  return await guarded(`The ${kind} key`, async () => {
    const answer = await ask(`${apiUrl}/rest/v1/tenants?select=id&limit=1`, { headers: { apikey: key } });
    return [judgeApiKey(kind, key, answer)];
  });
}

async function ask(
  url: string,
  init: { method?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<HttpAnswer> {
  const response = await fetch(url, {
    method: init.method ?? "GET",
    body: init.body,
    headers: { ...(init.body === undefined ? {} : { "content-type": "application/json" }), ...init.headers },
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  try {
    const body: unknown = JSON.parse(text);
    const isObject = typeof body === "object" && body !== null && !Array.isArray(body);
    return { status: response.status, body: isObject ? body as Record<string, unknown> : null };
  } catch {
    return { status: response.status, body: null };
  }
}

/** User tokens must be signed with a key pair: the functions verify them by the public half. */
export function judgeJwks(answer: HttpAnswer): Finding {
  const keys = Array.isArray(answer.body?.keys) ? answer.body.keys as Record<string, unknown>[] : [];
  const types = keys.map((key) => String(key.kty)).filter((type) => ["EC", "RSA", "OKP"].includes(type));
  if (types.length > 0) {
    return ok(`Asymmetric signing key (${types.join(", ")}) at /auth/v1/.well-known/jwks.json`);
  }
  return missing(
    `No asymmetric signing key at /auth/v1/.well-known/jwks.json (status ${answer.status})`,
    "Project settings, JWT keys: migrate to asymmetric signing keys and rotate.",
  );
}

/** A new-style key: the publishable one reaches the API but reads no tenant, the secret one reads. */
export function judgeApiKey(kind: "publishable" | "secret", key: string, answer: HttpAnswer): Finding {
  const prefix = `sb_${kind}_`;
  if (!key.startsWith(prefix)) {
    return missing(
      `The ${kind} key is not of the new kind (${prefix}...)`,
      "Project settings, API keys: create the new keys; the functions refuse the old ones.",
    );
  }
  if (kind === "publishable") {
    if (answer.status === 200) {
      return missing(
        "The publishable key may read tenants",
        "Run this with --db-url and see the lines about grants.",
      );
    }
    // PostgREST knew the role and the database refused it: the key itself was accepted.
    if (answer.body?.code === "42501") return ok("The publishable key is accepted and reads no tenant");
  } else if (answer.status === 200) return ok("The secret key is accepted");
  if (answer.status === 404) {
    return missing(`The API does not know the table tenants (${kind} key)`, "Run `supabase db push`.");
  }
  return missing(
    `The ${kind} key is not accepted (status ${answer.status})`,
    "Take the key from project settings, API keys, of the project --api-url names.",
  );
}

/** A function that stands answers a call without credentials with 401 and a code of ours. */
export function judgeFunction(name: string, answer: HttpAnswer): Finding {
  if (answer.status === 401 && answer.body?.error_code === "UNAUTHENTICATED") {
    return ok(`Function ${name} answers`);
  }
  if (answer.status === 404) {
    return missing(`Function ${name} is not deployed`, `Run \`supabase functions deploy ${name}\`.`);
  }
  if (answer.status === 401) {
    return missing(
      `Function ${name} is refused by the gateway before it runs`,
      "Its JWT check is on: deploy with the config.toml of this repository, which sets verify_jwt = false.",
    );
  }
  if (answer.status >= 500) {
    return missing(
      `Function ${name} fails (status ${answer.status})`,
      "It does not boot or cannot reach the database: read its logs, then docs/configuration.md.",
    );
  }
  return missing(
    `Function ${name} answers ${answer.status} where 401 is due`,
    `Another function has this name, or an old version is deployed: run \`supabase functions deploy ${name}\`.`,
  );
}

/** event-dispatch must accept the secret key that is named hub. */
export function judgeHubCall(answer: HttpAnswer): Finding {
  if (answer.status === 202) return ok("event-dispatch takes the key named hub");
  if (answer.status === 401) {
    return missing(
      "event-dispatch refuses --hub-key",
      "Project settings, API keys: create a secret key named exactly hub and use that one.",
    );
  }
  return missing(
    `event-dispatch answers ${answer.status} to the hub key`,
    "Read the logs of event-dispatch.",
  );
}
