import assert from "node:assert/strict";
import type { Fault } from "../../simulators/faults.ts";
import {
  faultResponse,
  methodResponse as simulatedResponse,
  readMethodCall,
} from "../../simulators/odoo/xml.ts";
import type { Told } from "../../simulators/odoo/values.ts";
import { odooConnector } from "../../supabase/functions/_shared/providers/odoo/connector.ts";
import {
  exceptionError,
  faultException,
} from "../../supabase/functions/_shared/providers/odoo/exceptions.ts";
import { testOdoo } from "../../supabase/functions/_shared/providers/odoo/trial.ts";
import { odooConfig, odooSecrets } from "../../supabase/functions/_shared/providers/odoo/settings.ts";
import {
  methodCall,
  methodResponse,
  XmlRpcFault,
} from "../../supabase/functions/_shared/providers/odoo/xml_rpc.ts";
import type { ProviderError } from "../../supabase/functions/_shared/providers/provider_error.ts";
import { failureOf, type OdooRig, withOdoo } from "../support/odoo_hub.ts";

type How = Parameters<OdooRig["connect"]>;
const tryOut = ({ connect }: OdooRig, ...how: How) => testOdoo(connect(...how));

/** A sentence for people: one, with an end, and nothing of the inside of the server. */
function assertSentence({ message }: ProviderError): void {
  assert.match(message, /^[A-Z][^\n]*\.$/);
  assert.doesNotMatch(message, /Traceback|File "|\.py|psycopg|\/usr\/|the-key/);
}

Deno.test("XML-RPC: what Odoo's marshaller writes is read, and what is read was written", () => {
  const value: Told = [
    {
      id: 14,
      name: 'Söhne & <Co> "x"]]>',
      flag: false,
      job_id: [3, "Engineer"],
      none: [],
      text: " spaced\n",
    },
    { constructors: "x", empty: "", negative: -5, fraction: 1.5 },
  ];
  assert.deepEqual(methodResponse(simulatedResponse(value)), value);
  assert.equal(methodResponse(simulatedResponse("a\u0001b")), "ab");
  assert.equal(
    methodResponse("<methodResponse><params><param><value>bare</value></param></params></methodResponse>"),
    "bare",
  );
});

Deno.test("XML-RPC: a call is what was meant, whatever stands in it", () => {
  const params = ["db & <1>", 7, "k\"'y", true, [["name", "=", "]]>&amp;"], []], { a: {}, "b<": [false] }];
  const xml = new TextDecoder().decode(methodCall("execute_kw", params));
  assert.deepEqual(readMethodCall(xml), { method: "execute_kw", params });
});

Deno.test("XML-RPC: a fault is thrown with its code and text", () => {
  assert.throws(() => methodResponse(faultResponse(3, "Access Denied")), (error: unknown) => {
    return error instanceof XmlRpcFault && error.faultCode === 3 && error.faultString === "Access Denied";
  });
});

Deno.test("XML-RPC: hostile and broken answers are refused, entities never expand", () => {
  const answer = (inner: string) =>
    `<methodResponse><params><param><value>${inner}</value></param></params></methodResponse>`;
  const bombs = `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>${answer("<string>&b;</string>")}`;
  const broken = [
    bombs,
    `<!DOCTYPE x SYSTEM "file:///etc/passwd">${answer("<string>x</string>")}`,
    answer("<string>&undefined;</string>"),
    answer("<nil/>"),
    answer("<int>one</int>"),
    answer("<boolean>2</boolean>"),
    answer("<array><data>".repeat(100) + "</data></array>".repeat(100)),
    "<html><body>It works</body></html>",
    "<methodResponse></methodResponse>",
    answer("<string>cut").slice(0, 60),
    "",
  ];
  for (const xml of broken) {
    assert.throws(() => methodResponse(xml), (error) => !(error instanceof XmlRpcFault), xml);
  }
  const polluted = methodResponse(
    answer("<struct><member><name>__proto__</name><value><struct></struct></value></member></struct>"),
  );
  assert.deepEqual(Object.keys(polluted as object), []);
});

Deno.test("settings: the server's address is its origin, and nothing else passes", () => {
  const url = (text: string) => odooConfig().safeParse({ url: text }).data?.url;
  assert.equal(url("https://acme.odoo.com/odoo/employees"), "https://acme.odoo.com");
  assert.equal(url("https://erp.acme.example:8443/web"), "https://erp.acme.example:8443");
  for (
    const bad of ["https://user:x@acme.odoo.com", "ftp://acme.odoo.com", "acme", "https://acme.odoo.com/shop"]
  ) {
    assert.equal(url(bad), undefined, bad);
  }
  assert.ok(!odooConfig().safeParse({ url: "https://acme.odoo.com", surprise: 1 }).success);
  assert.ok(!odooSecrets().safeParse({ api_key: "a\nb" }).success);
  assert.ok(odooConfig().safeParse(odooConnector.example.config).success);
  assert.ok(odooSecrets().safeParse(odooConnector.example.secrets).success);
});

for (const [major, spoken] of [[17, "XML-RPC"], [18, "XML-RPC"], [19, "JSON-2"]] as const) {
  Deno.test(`Odoo ${major}: the server decides that ${spoken} is spoken`, async () => {
    await withOdoo({ major }, async (rig) => {
      rig.odoo.database.create("hr.employee", { name: "One", active: false });
      const { message, accountName } = await tryOut(rig);
      assert.equal(
        message,
        `Connected to acme, Odoo ${major}.0 over ${spoken}: 1 employees in 0 departments.`,
      );
      assert.equal(accountName, "acme");
      const paths = rig.odoo.requests.map((request) => request.split(" ")[1]);
      assert.ok(
        paths.some((path) => path!.startsWith(spoken === "JSON-2" ? "/json/2/" : "/xmlrpc/2/object")),
      );
    });
  });
}

Deno.test("Odoo 19 over XML-RPC, where the settings say so; JSON-2 needs neither login nor database", async () => {
  await withOdoo({ major: 19 }, async (rig) => {
    assert.match((await tryOut(rig, { protocol: "xml_rpc" })).message, /Odoo 19\.0 over XML-RPC/);
    const alone = await tryOut(rig, { database: undefined }, { api_key: "the-key" });
    assert.match(alone.message, /Connected to 127\.0\.0\.1, Odoo 19\.0 over JSON-2/);
  });
});

interface Refusal {
  what: string;
  errorClass: string;
  says: RegExp;
  how?: How;
  before?: (rig: OdooRig) => void;
  only?: 17 | 19;
}

const refusals: Refusal[] = [
  {
    what: "a wrong key",
    errorClass: "reconnect_needed",
    says: /API key/,
    how: [{}, { login: "hub@acme.example", api_key: "no" }],
  },
  {
    what: "a wrong login",
    errorClass: "reconnect_needed",
    says: /login/,
    how: [{}, { login: "no", api_key: "the-key" }],
    only: 17,
  },
  {
    what: "an expired key",
    errorClass: "reconnect_needed",
    says: /expired/,
    before: ({ odoo, user }) => {
      user.keys[0]!.expiresAtMs = odoo.clock.nowMs! - 1;
    },
  },
  { what: "another database", errorClass: "misconfigured", says: /database/, how: [{ database: "other" }] },
  {
    what: "no database",
    errorClass: "misconfigured",
    says: /database/,
    how: [{ database: undefined }],
    only: 17,
  },
  {
    what: "no database where a host has several",
    errorClass: "misconfigured",
    says: /database/,
    how: [{ database: undefined }],
    before: ({ odoo }) => void odoo.otherDatabases.push("second"),
    only: 19,
  },
  {
    what: "no login",
    errorClass: "misconfigured",
    says: /login/,
    how: [{}, { api_key: "the-key" }],
    only: 17,
  },
  {
    what: "JSON-2 of an old server",
    errorClass: "misconfigured",
    says: /JSON-2/,
    how: [{ protocol: "json_2" }],
    only: 17,
  },
  {
    what: "no right to employees",
    errorClass: "permission_missing",
    says: /Employees: Officer/,
    before: ({ user }) => {
      user.rights = "none";
    },
  },
  {
    what: "no Employees app",
    errorClass: "misconfigured",
    says: /install the Employees app/,
    before: ({ odoo }) => {
      delete odoo.database.models["hr.department"];
    },
  },
];

for (const { what, errorClass, says, how = [] as How, before, only } of refusals) {
  for (const major of [17, 19].filter((one) => only === undefined || one === only)) {
    Deno.test(`Odoo ${major}: ${what} is told in one sentence`, async () => {
      await withOdoo({ major }, async (rig) => {
        before?.(rig);
        const error = await failureOf(tryOut(rig, ...how));
        assert.equal(error.errorClass, errorClass, error.message);
        assert.match(error.message, says);
        assertSentence(error);
      });
    });
  }
}

const answering = (status: number, body: string, headers: Record<string, string> = {}): Fault => ({
  kind: "answer",
  response: () => new Response(body, { status, headers }),
});

/** What may come in place of a good answer: class -> faults. */
const mishaps: [string, string, Fault][] = [
  ["a server that is down", "transient", answering(502, "<html>Bad Gateway</html>")],
  ["too many requests", "rate_limited", answering(429, "slow down", { "retry-after": "17" })],
  ["a page of a proxy", "malformed_answer", answering(200, "<html><body>Sign in</body></html>")],
  ["an answer that is cut off", "malformed_answer", { kind: "cut" }],
  ["a connection that breaks", "transient", { kind: "hang_up" }],
  ["another address", "misconfigured", answering(301, "", { location: "https://elsewhere.example/" })],
];

for (const major of [17, 19]) {
  for (const [what, errorClass, fault] of mishaps) {
    Deno.test(`Odoo ${major}: ${what} is ${errorClass}`, async () => {
      await withOdoo({ major }, async (rig) => {
        const { odoo } = rig;
        // Past the version, and past the login of XML-RPC: the first question for records.
        odoo.faults.plan(major === 19 ? 2 : 4, fault);
        const error = await failureOf(tryOut(rig));
        assert.equal(error.errorClass, errorClass, error.message);
        assertSentence(error);
        if (errorClass === "rate_limited") assert.equal(error.retryAfterMs, 17_000);
      });
    });
  }

  Deno.test(`Odoo ${major}: a conflict of transactions passes, a failure inside does not show itself`, async () => {
    await withOdoo({ major }, async (rig) => {
      for (
        const [name, message, expected] of [
          [
            "psycopg2.errors.SerializationFailure",
            "could not serialize access due to concurrent update\n",
            "busy",
          ],
          ["psycopg2.errors.DeadlockDetected", "deadlock detected\nDETAIL:  Process 12 waits\n", "busy"],
          ["builtins.KeyError", "'/usr/lib/python3/odoo/secret.py'", "KeyError"],
        ] as const
      ) {
        rig.odoo.failNext(name, message);
        const error = await failureOf(tryOut(rig));
        assert.equal(error.errorClass, "transient");
        assert.match(error.message, new RegExp(expected));
        assertSentence(error);
      }
      rig.odoo.failNext("odoo.exceptions.UserError", "The books are closed.\nAsk Ann.");
      const refused = await failureOf(tryOut(rig));
      assert.equal(refused.errorClass, "input_refused");
      assert.match(refused.message, /: The books are closed\.$/);
    });
  });
}

Deno.test("Odoo: a key that was replaced meanwhile is used, with its own user", async () => {
  await withOdoo({}, async ({ odoo, user, connect }) => {
    const other = odoo.addUser({
      login: "new@acme.example",
      keys: [{ key: "the-new-key", expiresAtMs: null }],
    });
    const connection = connect();
    await testOdoo(connection);
    user.keys.splice(0);
    const renewed = {
      ...connection,
      secrets: (refused?: unknown) =>
        refused === undefined
          ? connection.secrets()
          : Promise.resolve({ login: other.login, api_key: "the-new-key" }),
    };
    assert.match((await testOdoo(renewed)).message, /Connected to acme/);
  });
});

Deno.test("Odoo: a fault of megabytes is told in a sentence, by its beginning or its end", () => {
  // A pattern that looks at all of it from each of its own beginnings takes minutes, and days for 16 MiB.
  const long = 'database "'.repeat(30_000);
  const faults: [code: number, text: string, errorClass: string][] = [
    [2, long, "input_refused"],
    [2, `${long}\ncould not serialize access`, "transient"],
    [1, `Traceback\n${"  x\n".repeat(100_000)}\n${long}\ndatabase "x" does not exist`, "misconfigured"],
  ];
  for (const [code, text, errorClass] of faults) {
    const error = exceptionError(faultException(code, text), "hr.employee");
    assert.equal(error.errorClass, errorClass);
    assert.ok(error.message.length < 400, error.message);
  }
});

Deno.test("Odoo: tags within tags end the reading long before memory does", () => {
  const text = `<methodResponse>${"<a>".repeat(100_000)}`;
  assert.throws(() => methodResponse(text), /nested too deeply/);
});
