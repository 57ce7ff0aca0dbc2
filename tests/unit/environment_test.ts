import assert from "node:assert/strict";
import type { Environment } from "../../supabase/functions/_shared/env.ts";

const modulePath = new URL("../../supabase/functions/_shared/env.ts", import.meta.url).href;
let loaded = 0;

/** Reads the environment anew with these variables; it is otherwise read once per process. */
async function environmentWith(values: Record<string, string>): Promise<Environment> {
  const all: Record<string, string> = {
    SUPABASE_URL: "http://127.0.0.1:1",
    SUPABASE_SECRET_KEYS: "{}",
    INTERLOCK_EGRESS_PORTS: "",
    INTERLOCK_EGRESS_ALLOW_LOCAL: "",
    INTERLOCK_SLACK_API_URL: "",
    INTERLOCK_GOOGLE_KEYS_URL: "",
    INTERLOCK_CLIENT_ADDRESS: "",
    ...values,
  };
  const before = Object.keys(all).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(all)) Deno.env.set(name, value);
  try {
    const module = await import(`${modulePath}?fresh=${loaded++}`) as { environment(): Environment };
    return module.environment();
  } finally {
    for (const [name, value] of before) {
      value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
    }
  }
}

Deno.test("ENV: calling loopback is off, and fails the boot of a project that is not on loopback", async () => {
  assert.equal((await environmentWith({})).INTERLOCK_EGRESS_ALLOW_LOCAL, false);
  for (const url of ["http://127.0.0.1:54321", "http://localhost:54321", "http://[::1]:1"]) {
    const values = { SUPABASE_URL: url, INTERLOCK_EGRESS_ALLOW_LOCAL: "1" };
    assert.equal((await environmentWith(values)).INTERLOCK_EGRESS_ALLOW_LOCAL, true, url);
  }
  for (
    const url of [
      "https://abcdefgh.supabase.co",
      "http://localhost.example.com",
      "http://127.0.0.1.example.com",
      "http://192.168.1.2:54321",
      "http://kong:8000",
    ]
  ) {
    const values = { SUPABASE_URL: url, INTERLOCK_EGRESS_ALLOW_LOCAL: "1" };
    await assert.rejects(environmentWith(values), /INTERLOCK_EGRESS_ALLOW_LOCAL: is allowed only/, url);
    await environmentWith({ SUPABASE_URL: url });
  }
  await assert.rejects(environmentWith({ INTERLOCK_EGRESS_ALLOW_LOCAL: "true" }), TypeError);
});

Deno.test("ENV: INTERLOCK_EGRESS_PORTS is a list of ports, 443 and 8443 when not set", async () => {
  assert.deepEqual((await environmentWith({})).INTERLOCK_EGRESS_PORTS, [443, 8443]);
  const values = { INTERLOCK_EGRESS_PORTS: "443, 9443" };
  assert.deepEqual((await environmentWith(values)).INTERLOCK_EGRESS_PORTS, [443, 9443]);
  for (const text of ["all", "443,", "0", "65536", "443;8443", "-1", "4e2"]) {
    await assert.rejects(environmentWith({ INTERLOCK_EGRESS_PORTS: text }), /INTERLOCK_EGRESS_PORTS/, text);
  }
});

Deno.test("ENV: another Slack than the real one is on loopback, where that may be called, or fails the boot", async () => {
  assert.equal((await environmentWith({})).INTERLOCK_SLACK_API_URL, "https://slack.com/api");
  const local = { INTERLOCK_SLACK_API_URL: "http://127.0.0.1:1/api" };
  const allowed = { ...local, INTERLOCK_EGRESS_ALLOW_LOCAL: "1" };
  assert.equal((await environmentWith(allowed)).INTERLOCK_SLACK_API_URL, local.INTERLOCK_SLACK_API_URL);
  for (
    const values of [
      local,
      { ...allowed, INTERLOCK_SLACK_API_URL: "https://slack.example.com/api" },
      { ...allowed, INTERLOCK_SLACK_API_URL: "http://127.0.0.1.example.com/api" },
    ]
  ) {
    await assert.rejects(environmentWith(values), /INTERLOCK_SLACK_API_URL/, JSON.stringify(values));
  }
  const hosted = { ...allowed, SUPABASE_URL: "https://abcdefgh.supabase.co" };
  await assert.rejects(environmentWith(hosted), /INTERLOCK_EGRESS_ALLOW_LOCAL/);
});

Deno.test("ENV: other keys than Google's are on loopback, where that may be called, or fail the boot", async () => {
  const real = "https://www.googleapis.com/oauth2/v3/certs";
  assert.equal((await environmentWith({})).INTERLOCK_GOOGLE_KEYS_URL, real);
  const local = { INTERLOCK_GOOGLE_KEYS_URL: "http://127.0.0.1:1/certs" };
  const allowed = { ...local, INTERLOCK_EGRESS_ALLOW_LOCAL: "1" };
  assert.equal((await environmentWith(allowed)).INTERLOCK_GOOGLE_KEYS_URL, local.INTERLOCK_GOOGLE_KEYS_URL);
  const elsewhere = { ...allowed, INTERLOCK_GOOGLE_KEYS_URL: "https://keys.example.com/certs" };
  for (const values of [local, elsewhere]) {
    await assert.rejects(environmentWith(values), /INTERLOCK_GOOGLE_KEYS_URL/, JSON.stringify(values));
  }
});

Deno.test("ENV: an app has no secret, one, or the new one and the old one", async () => {
  const [first, second] = ["0123456789abcdef", "!".repeat(500)];
  for (
    const name of [
      "INTERLOCK_HUBSPOT_CLIENT_SECRET",
      "INTERLOCK_SLACK_SIGNING_SECRET",
      "INTERLOCK_ZOHO_CHANNEL_SECRET",
    ] as const
  ) {
    const read = async (value: string) => (await environmentWith({ [name]: value }))[name];
    assert.deepEqual(await read(""), []);
    assert.deepEqual(await read(first), [first]);
    assert.deepEqual(await read(` ${first} , ${second},`), [first, second]);
    const odd = ["short", "é".repeat(20), `${first} ${first}`, `${second}!`, `${first},${second},${first}`];
    for (const text of odd) {
      await assert.rejects(environmentWith({ [name]: text }), (error: Error) => {
        assert.match(error.message, new RegExp(`${name}: is not one or two secrets`));
        return !error.message.includes(text);
      }, text);
    }
  }
});

Deno.test("ENV: INTERLOCK_CLIENT_ADDRESS is a header and a number of proxies; none when not set", async () => {
  const read = async (value: string) =>
    (await environmentWith({ INTERLOCK_CLIENT_ADDRESS: value })).INTERLOCK_CLIENT_ADDRESS;
  assert.equal(await read(""), undefined);
  assert.deepEqual(await read("CF-Connecting-IP"), { name: "cf-connecting-ip", proxies: null });
  assert.deepEqual(await read("x-forwarded-for:2"), { name: "x-forwarded-for", proxies: 2 });
  for (const text of ["x-forwarded-for:0", "x-forwarded-for:-1", "a b", "x:", ":1", "x-forwarded-for:10"]) {
    await assert.rejects(
      environmentWith({ INTERLOCK_CLIENT_ADDRESS: text }),
      /INTERLOCK_CLIENT_ADDRESS/,
      text,
    );
  }
});
