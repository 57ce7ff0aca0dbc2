import assert from "node:assert/strict";
import type { RestAccess } from "../../simulators/rest/access.ts";
import { RestCollection } from "../../simulators/rest/collection.ts";
import { failure, quotaSpent, type RestSimulator, startRest, tooMany } from "../../simulators/rest/rest.ts";
import { api as apiConnectors } from "../../supabase/functions/_shared/providers/api/sources.ts";
import { apiConfigSchema, apiSecretsSchema } from "../../supabase/functions/_shared/providers/api/config.ts";
import { providerFailure, readResource, restConnection } from "../support/rest_connection.ts";

const SECRET = "s3cret-of-the-api-0123456789";

interface AccessCase {
  access: RestAccess;
  auth(api: RestSimulator): Record<string, unknown>;
  good: Record<string, unknown>;
  bad: Record<string, unknown>;
}

const clientAccess = (by: "body" | "basic"): RestAccess => ({
  ...{
    kind: "client_credentials",
    clientId: "hub id",
    clientSecret: SECRET,
    by,
    scope: "read",
    audience: "crm",
  },
  lifeSeconds: 3600,
});

const ACCESS: Record<string, AccessCase> = {
  "no credentials": { access: { kind: "none" }, auth: () => ({ kind: "none" }), good: {}, bad: {} },
  "a key in a header": {
    access: { kind: "api_key", in: "header", name: "x-key", key: SECRET },
    auth: () => ({ kind: "api_key", name: "X-Key" }),
    good: { api_key: SECRET },
    bad: { api_key: "another-key-of-nobody" },
  },
  "a key behind a word in Authorization": {
    access: { kind: "api_key", in: "header", name: "authorization", key: `Token ${SECRET}` },
    auth: () => ({ kind: "api_key", name: "Authorization", prefix: "Token " }),
    good: { api_key: SECRET },
    bad: { api_key: "another-key-of-nobody" },
  },
  "a key in the query": {
    access: { kind: "api_key", in: "query", name: "api_key", key: "k&y=%+/?# 0123456789".replace(" ", "_") },
    auth: () => ({ kind: "api_key", in: "query", name: "api_key" }),
    good: { api_key: "k&y=%+/?#_0123456789" },
    bad: { api_key: "another-key-of-nobody" },
  },
  "a bearer token": {
    access: { kind: "bearer", token: SECRET },
    auth: () => ({ kind: "bearer" }),
    good: { token: SECRET },
    bad: { token: "another-token-of-nobody" },
  },
  "user and password": {
    access: { kind: "basic", username: "hub ü", password: `pä:${SECRET}` },
    auth: () => ({ kind: "basic" }),
    good: { username: "hub ü", password: `pä:${SECRET}` },
    bad: { username: "hub ü", password: "another-password" },
  },
  "client credentials in the form": {
    access: clientAccess("body"),
    auth: ({ tokenUrl }) => ({
      ...{ kind: "oauth2_client_credentials", token_url: tokenUrl, scope: "read", audience: "crm" },
    }),
    good: { client_id: "hub id".replace(" ", "+"), client_secret: SECRET },
    bad: { client_id: "hub+id", client_secret: "another-secret-of-nobody" },
  },
  "client credentials in a header": {
    access: clientAccess("basic"),
    auth: ({ tokenUrl }) => ({
      ...{ kind: "oauth2_client_credentials", token_url: tokenUrl, scope: "read", audience: "crm" },
      client_auth: "basic",
    }),
    good: { client_id: "hub+id", client_secret: SECRET },
    bad: { client_id: "hub+id", client_secret: "another-secret-of-nobody" },
  },
};

/** The simulator's client has a plus, which a form must encode. */
for (const { access } of Object.values(ACCESS)) {
  if (access.kind === "client_credentials") access.clientId = "hub+id";
}

async function withApi(
  access: RestAccess,
  use: (api: RestSimulator, things: RestCollection) => Promise<void>,
): Promise<void> {
  const things = new RestCollection();
  for (let index = 0; index < 5; index++) things.create();
  const paging = { kind: "cursor" as const, maxSize: 10 };
  const api = startRest({ access, paging, collections: { things } });
  try {
    await use(api, things);
  } finally {
    await api.stop();
  }
}

function connect(
  api: RestSimulator,
  auth: Record<string, unknown>,
  secrets: Record<string, unknown>,
  config: Record<string, unknown> = {},
  options: Parameters<typeof restConnection>[2] = {},
) {
  return restConnection(
    {
      base_url: api.url,
      auth,
      resources: {
        things: {
          path: "things",
          records: "data",
          pagination: {
            kind: "cursor",
            next: "paging.next",
            parameter: "after",
            size_parameter: "limit",
            size: 2,
          },
        },
      },
      ...config,
    },
    secrets,
    options,
  );
}

for (const [name, { access, auth, good, bad }] of Object.entries(ACCESS)) {
  Deno.test(`API: ${name} let in, others and none do not, and no sentence repeats them`, async () => {
    await withApi(access, async (api) => {
      const connection = connect(api, auth(api), good);
      assert.equal((await readResource(connection, "things")).records.size, 5);
      assert.match((await apiConnectors.test(connection)).message, /first page of things has 2 records/);
      connection.close();
      if (access.kind === "none") return;
      api.traps.echo = true;
      const others = connect(api, auth(api), bad);
      const error = await providerFailure(readResource(others, "things"));
      assert.equal(error.errorClass, "reconnect_needed");
      for (const secret of Object.values(bad)) {
        assert.ok(!error.message.includes(String(secret)), error.message);
      }
      others.close();
      const none = connect(api, auth(api), {});
      const missing = await providerFailure(apiConnectors.test(none));
      assert.equal(missing.errorClass, "reconnect_needed");
      assert.match(missing.message, /^The connector has no \w+; store its credentials\.$/);
      none.close();
    });
  });
}

Deno.test("API: a token is fetched once, again when it is refused or near its end, and never twice at a time", async () => {
  const { access, auth, good } = ACCESS["client credentials in the form"]!;
  await withApi(access, async (api) => {
    const connection = connect(api, auth(api), good);
    await Promise.all(Array.from({ length: 20 }, () => readResource(connection, "things")));
    assert.equal(api.tokens.issued, 1);
    api.tokens.expireAll();
    await Promise.all(Array.from({ length: 20 }, () => readResource(connection, "things")));
    assert.equal(api.tokens.issued, 2);
    connection.close();
    const rotated = { ...connection, config: { ...connection.config, headers: { "x-new": "1" } } };
    await readResource(rotated, "things");
    assert.equal(api.tokens.issued, 2, "other settings than those of the token");
    // Lives two seconds: it is used for one of them.
    if (api.access.kind === "client_credentials") api.access.lifeSeconds = 2;
    const short = connect(api, auth(api), good);
    await readResource(short, "things");
    await readResource(short, "things");
    assert.equal(api.tokens.issued, 3);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await readResource(short, "things");
    assert.equal(api.tokens.issued, 4);
    short.close();
  });
});

Deno.test("API: a client whose secret was changed gets no token of the old one", async () => {
  const { access, auth, good } = ACCESS["client credentials in a header"]!;
  await withApi({ ...access } as RestAccess, async (api) => {
    const before = connect(api, auth(api), good);
    await readResource(before, "things");
    const after = {
      ...before,
      secrets: () => Promise.resolve({ ...good, client_secret: "new-secret-0123456789" }),
    };
    assert.equal((await providerFailure(readResource(after, "things"))).errorClass, "reconnect_needed");
    if (api.access.kind === "client_credentials") api.access.clientSecret = "new-secret-0123456789";
    assert.equal((await readResource(after, "things")).records.size, 5);
    before.close();
  });
});

Deno.test("API: what the token address refuses is classed, and told without its words", async () => {
  const { access, auth, good } = ACCESS["client credentials in the form"]!;
  await withApi(access, async (api) => {
    const answers: [() => Response, string, RegExp][] = [
      [() => Response.json({ error: "invalid_scope" }, { status: 400 }), "misconfigured", /invalid_scope/],
      [() => Response.json({ error: `<b>${SECRET}</b>` }, { status: 400 }), "misconfigured", /\(400\)/],
      [() => Response.json({ error: "invalid_client" }, { status: 400 }), "reconnect_needed", /client_id/],
      [() => tooMany(9), "rate_limited", /pause/],
      [() => failure(500, SECRET), "transient", /\(500\)/],
      [() => Response.json({ token: SECRET }), "malformed_answer", /access_token/],
      [
        () => new Response("<html>", { headers: { "content-type": "text/html" } }),
        "malformed_answer",
        /web page/,
      ],
      [() => new Response("no json"), "malformed_answer", /access_token/],
      [() => Response.redirect("https://elsewhere.example/"), "misconfigured", /\(302\)/],
    ];
    for (const [response, errorClass, message] of answers) {
      const connection = connect(api, auth(api), good);
      api.tokenFaults.planNext({ kind: "answer", response });
      const error = await providerFailure(readResource(connection, "things"));
      assert.equal(error.errorClass, errorClass, error.message);
      assert.match(error.message, message);
      assert.ok(!JSON.stringify([error.message, error.providerCode]).includes(SECRET));
      // The failure was not kept in place of a token.
      assert.equal((await readResource(connection, "things")).records.size, 5);
      connection.close();
    }
  });
});

Deno.test("API: statuses are classed by what can be done, and waits are the API's own", async () => {
  await withApi({ kind: "bearer", token: SECRET }, async (api) => {
    const reset = () => Math.floor(Date.now() / 1000) + 100;
    const page = () => new Response("<html>down</html>", { headers: { "content-type": "text/html" } });
    const cases: [() => Response, string, RegExp, [number, number]?][] = [
      [() => tooMany(30), "rate_limited", /pause/, [30_000, 30_000]],
      [() => quotaSpent(reset()), "rate_limited", /pause/, [98_000, 100_000]],
      [() => quotaSpent(reset(), "17"), "permission_missing", /403/],
      [() => failure(403, "no", { "x-wait": "2.5" }), "rate_limited", /pause/, [2500, 2500]],
      [() => failure(503, "no", { "retry-after": "5" }), "transient", /503/, [5000, 5000]],
      [() => failure(500, "no"), "transient", /500/],
      [() => failure(404, "no"), "misconfigured", /check base_url and path/],
      [() => failure(422, "no"), "misconfigured", /check method, query and body/],
      [() => Response.redirect("https://elsewhere.example/"), "misconfigured", /sends .* elsewhere \(302\)/],
      [() => new Response("<html>moved</html>", { status: 301 }), "misconfigured", /elsewhere/],
      [page, "malformed_answer", /web page instead of JSON/],
      [() => new Response("{"), "malformed_answer", /is not JSON/],
      [() => new Response('{"a":1,"a":2}'), "malformed_answer", /is not JSON/],
      [() => new Response(new Uint8Array([0x22, 0xff, 0x22])), "malformed_answer", /not UTF-8/],
      [() => Response.json({ error: SECRET }), "malformed_answer", /no list at records/],
      [() => Response.json({ data: "none" }), "malformed_answer", /no list at records/],
    ];
    const retry = {
      statuses: [403],
      remaining: "x-ratelimit-remaining",
      at: "x-ratelimit-reset",
      after: "x-wait",
    };
    const connection = connect(api, { kind: "bearer" }, { token: SECRET }, { retry });
    for (const [response, errorClass, message, wait] of cases) {
      api.faults.planNext({ kind: "answer", response });
      const error = await providerFailure(readResource(connection, "things"));
      assert.equal(error.errorClass, errorClass, error.message);
      assert.match(error.message, message);
      assert.ok(!error.message.includes(SECRET));
      if (!wait) assert.equal(error.retryAfterMs, null, error.message);
      else {assert.ok(
          error.retryAfterMs! >= wait[0] && error.retryAfterMs! <= wait[1],
          `${error.retryAfterMs}`,
        );}
    }
    connection.close();
  });
});

Deno.test("API: an answer of 20 MB is not read to its end, and a slow one not waited for", async () => {
  await withApi({ kind: "bearer", token: SECRET }, async (api) => {
    const connection = connect(api, { kind: "bearer" }, { token: SECRET }, { timeout_ms: 1000 });
    const many = `{"data":[${
      Array(400_000).fill('{"id":1,"text":"0123456789012345678901234567890123"}').join()
    }]}`;
    assert.ok(many.length > 20_000_000);
    api.faults.planNext({ kind: "answer", response: () => new Response(many) });
    const large = await providerFailure(readResource(connection, "things"));
    assert.equal(large.errorClass, "misconfigured");
    assert.match(large.message, /more than 8 MB .* fewer records a page/);
    api.faults.planNext({ kind: "stall", durationMs: 1500 });
    assert.equal((await providerFailure(readResource(connection, "things"))).errorClass, "transient");
    connection.close();
  });
});

Deno.test("API: an API that repeats credentials in its records and links has them kept nowhere", async () => {
  for (const [auth, secrets, access] of echoing()) {
    await withApi(access, async (api) => {
      api.traps.echo = true;
      const connection = connect(api, auth, secrets);
      const { records, pages, warnings } = await readResource(connection, "things");
      assert.equal(records.size, 5);
      const kept = JSON.stringify([[...records], pages, warnings]);
      assert.ok(kept.includes("***"), "the echo came");
      for (const secret of [SECRET, encodeURIComponent(SECRET), btoa(`hub:${SECRET}`)]) {
        assert.ok(!kept.includes(secret), secret);
      }
      connection.close();
    });
  }
});

function echoing(): [Record<string, unknown>, Record<string, unknown>, RestAccess][] {
  const inQuery: RestAccess = { kind: "api_key", in: "query", name: "api_key", key: SECRET };
  return [
    [{ kind: "bearer" }, { token: SECRET }, { kind: "bearer", token: SECRET }],
    [{ kind: "api_key", in: "query", name: "api_key" }, { api_key: SECRET }, inQuery],
    [{ kind: "basic" }, { username: "hub", password: SECRET }, {
      kind: "basic",
      username: "hub",
      password: SECRET,
    }],
    [{ kind: "none" }, { secret_headers: { "X-Own": SECRET } }, { kind: "none" }],
  ];
}

Deno.test("API: the key of a query is in no saved address of a next page, and on every request", async () => {
  const things = new RestCollection();
  for (let index = 0; index < 5; index++) things.create();
  // One is too short to be looked for in answers.
  for (
    const [kind, key] of [["link", SECRET], ["link_body", SECRET], ["link", "k#1"], [
      "link_body",
      "k#1",
    ]] as const
  ) {
    const access: RestAccess = { kind: "api_key", in: "query", name: "api_key", key };
    const api = startRest({ access, paging: { kind, maxSize: 2 }, collections: { things } });
    const resource = kind === "link"
      ? { records: "$", pagination: { kind: "link" } }
      : { records: "results", pagination: { kind: "link", next: "next" } };
    const connection = connect(api, { kind: "api_key", in: "query", name: "api_key" }, { api_key: key }, {
      resources: { things: { path: "things", ...resource } },
    });
    const { pages, records } = await readResource(connection, "things");
    assert.deepEqual([records.size, pages.length], [5, 3]);
    for (const text of [key, encodeURIComponent(key), "api_key"]) {
      assert.ok(!JSON.stringify(pages.map(({ cursor }) => cursor)).includes(text), text);
    }
    assert.deepEqual(api.asked.map(({ url }) => url.searchParams.getAll("api_key")), Array(3).fill([key]));
    connection.close();
    await api.stop();
  }
});

Deno.test("API: where loopback may not be called, neither address of a connector leads there", async () => {
  await withApi(ACCESS["client credentials in the form"]!.access, async (api) => {
    const { auth, good } = ACCESS["client credentials in the form"]!;
    const token = connect(api, auth(api), good, {}, { allowLocal: false });
    assert.equal((await providerFailure(readResource(token, "things"))).errorClass, "misconfigured");
    token.close();
    for (
      const base of [
        api.url,
        "https://127.0.0.1/v1",
        "https://169.254.169.254",
        "https://[::1]",
        "https://10.0.0.1",
      ]
    ) {
      const connection = connect(api, { kind: "none" }, {}, { base_url: base }, { allowLocal: false });
      const error = await providerFailure(readResource(connection, "things"));
      assert.equal(error.errorClass, "misconfigured", base);
      connection.close();
    }
    assert.equal(api.asked.length, 0);
  });
  await withApi({ kind: "none" }, async (api) => {
    const to = "http://169.254.169.254/latest/meta-data";
    const response = () => Response.json({ data: [{ id: 1 }], paging: { next: to } });
    const resources = {
      things: { path: "things", records: "data", pagination: { kind: "link", next: "paging.next" } },
    };
    const connection = connect(api, { kind: "none" }, {}, { resources });
    for (
      const next of [
        to,
        "//169.254.169.254/",
        "http://localhost:1/",
        `${api.url.replace("http", "https")}/things`,
      ]
    ) {
      api.faults.planNext({ kind: "answer", response: () => Response.json({ data: [], paging: { next } }) });
      assert.match((await providerFailure(readResource(connection, "things"))).message, /not below the host/);
    }
    api.faults.planNext({ kind: "answer", response });
    assert.match((await providerFailure(readResource(connection, "things"))).message, /not below the host/);
    connection.close();
  });
});

Deno.test("API: headers of the connector are sent, and those that are not the tenant's are refused", async () => {
  await withApi({ kind: "bearer", token: SECRET }, async (api) => {
    const connection = connect(api, { kind: "bearer" }, {
      token: SECRET,
      secret_headers: { "X-Own": "own-value" },
    }, {
      headers: { "X-Tenant": "acme", Accept: "application/vnd.api+json" },
    });
    await readResource(connection, "things");
    const { headers } = api.asked[0]!;
    assert.deepEqual(
      ["x-tenant", "accept", "x-own", "authorization"].map((name) => headers.get(name)),
      ["acme", "application/vnd.api+json", "own-value", `Bearer ${SECRET}`],
    );
    connection.close();
  });
  const problem = (headers: Record<string, string>) =>
    apiConfigSchema.safeParse({ base_url: "https://a.example", headers }).error?.issues[0]?.message ??
      "taken";
  const names = [
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "Connection",
    "Content-Type",
    "webhook-id",
    "X-Forwarded-For",
  ];
  for (const name of names) assert.match(problem({ [name]: "x" }), /set by the hub/, name);
  for (const name of ["Authorization", "cookie", "X-Api-Key"]) {
    assert.match(problem({ [name]: "x" }), /carries credentials/);
  }
  for (const value of ["a\r\nx: y", "a\0", "a\u0100"]) {
    assert.match(problem({ "x-a": value }), /must not have/);
  }
  assert.match(problem({ "bad name": "x" }), /letters, digits or hyphens/);
  assert.equal(problem({ "X-Fine": "ü" }), "taken");
  const inSecrets = apiSecretsSchema.safeParse({ secret_headers: { Host: "x" } });
  assert.match(inSecrets.error!.issues[0]!.message, /set by the hub/);
});
