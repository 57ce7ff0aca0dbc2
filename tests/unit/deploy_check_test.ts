import assert from "node:assert/strict";
import { guarded, renderFinding } from "../../local/deploy_check/finding.ts";
import {
  FUNCTION_PROBES,
  judgeApiKey,
  judgeFunction,
  judgeHubCall,
  judgeJwks,
} from "../../local/deploy_check/http.ts";
import { judgeCalls, judgeContents, judgeJob, judgeVault } from "../../local/deploy_check/running.ts";
import {
  compareVersions,
  judgeDefaultPrivileges,
  judgeExtensions,
  judgeGrants,
  judgeMigrations,
  judgeRoles,
  judgeRowSecurity,
  migrationFiles,
} from "../../local/deploy_check/schema.ts";
import { readTarget } from "../../local/deploy_check/target.ts";

const states = (findings: { state: string }[]) => findings.map((finding) => finding.state);
const API_URL = "https://abc.supabase.co";

Deno.test("readTarget() takes secrets from the environment, and the command line wins", () => {
  const env = { INTERLOCK_CHECK_DB_URL: "postgresql://a@h/db", INTERLOCK_CHECK_HUB_KEY: "sb_secret_env" };
  const target = readTarget(["--api-url", `${API_URL}/`, "--hub-key", "sb_secret_line"], env);
  assert.deepEqual(target, {
    dbUrl: "postgresql://a@h/db",
    apiUrl: API_URL,
    publishableKey: null,
    secretKey: null,
    hubKey: "sb_secret_line",
  });
  assert.equal(readTarget(["--help"], {}), null);
  assert.throws(() => readTarget([], {}), /--db-url/);
  assert.throws(() => readTarget(["--db-url", "mysql://h"], {}), /postgresql:/);
  assert.throws(
    () => readTarget(["--db-url", "postgres://h", "--api-url", `${API_URL}/rest`], {}),
    /without a path/,
  );
  assert.throws(() => readTarget(["--nope"], {}), /--help/);
});

Deno.test("judgeExtensions() wants all three, and says so when pg_cron counts minutes", () => {
  const installed = new Map([["pg_cron", "1.6"], ["pg_net", "0.14.0"], ["supabase_vault", "0.3.1"]]);
  assert.deepEqual(states(judgeExtensions(installed)), ["ok", "ok", "ok"]);
  assert.deepEqual(states(judgeExtensions(new Map([...installed, ["pg_cron", "1.4.2"]]))), [
    "note",
    "ok",
    "ok",
  ]);
  assert.deepEqual(states(judgeExtensions(new Map())), ["missing", "missing", "missing"]);
  assert.ok(compareVersions("0.14.0", "0.7") > 0);
  assert.equal(compareVersions("1.6", "1.6.0"), 0);
});

Deno.test("judgeMigrations() names each pending file and leaves the team's own alone", async () => {
  const files = ["1_a.sql", "2_b.sql"];
  assert.deepEqual(states(judgeMigrations(files, new Set(["1", "2", "99"]))), ["ok"]);
  const [pending] = judgeMigrations(files, new Set(["1"]));
  assert.match(pending!.what, /2_b\.sql/);
  assert.match(judgeMigrations(files, new Set(["99"]))[0]!.what, /No migration/);
  assert.ok((await migrationFiles()).length > 0);
});

Deno.test("judgeRoles() sees a role that bypasses row level security", () => {
  const role = (rolname: string, rolbypassrls: boolean, rolcanlogin: boolean) => ({
    rolname,
    rolsuper: false,
    rolbypassrls,
    rolcanlogin,
  });
  const healthy = [
    role("postgres", true, true),
    role("authenticator", false, true),
    role("anon", false, false),
    role("authenticated", false, false),
    role("service_role", true, false),
  ];
  assert.deepEqual(new Set(states(judgeRoles(healthy))), new Set(["ok"]));
  const broken = judgeRoles(
    healthy.map((row) => row.rolname === "anon" ? { ...row, rolbypassrls: true } : row),
  );
  assert.match(
    broken.find((finding) => finding.state === "missing")!.what,
    /anon bypasses row level security/,
  );
});

Deno.test("judgeDefaultPrivileges() asks for nothing granted and the built-in right taken away", () => {
  assert.deepEqual(states(judgeDefaultPrivileges([], true)), ["ok"]);
  assert.deepEqual(states(judgeDefaultPrivileges([], false)), ["missing"]);
  const [open] = judgeDefaultPrivileges([{ schema: "public", kind: "table", grantee: "anon" }], true);
  assert.match(open!.todo!, /in schema public revoke all on tables from anon/);
});

Deno.test("judgeGrants() finds what is too much and what is too little", () => {
  const expected = { "public.a": { authenticated: ["select"] } };
  assert.deepEqual(states(judgeGrants(expected, expected)), ["ok"]);
  const found = judgeGrants(expected, {
    "public.a": { anon: ["select"] },
    "public.theirs": { anon: ["select"] },
  });
  assert.deepEqual(found.map((finding) => finding.what), [
    "anon has select on public.a",
    "authenticated lacks select on public.a",
  ]);
  const internals = judgeGrants(expected, {
    ...expected,
    "private.f": { public: ["execute"] },
    "public.a_id_seq": { anon: ["usage"] },
  });
  assert.equal(internals.length, 2);
});

Deno.test("judgeRowSecurity() tells off from not forced", () => {
  assert.deepEqual(states(judgeRowSecurity([{ relname: "a", on: true, forced: true }])), ["ok"]);
  assert.match(judgeRowSecurity([{ relname: "a", on: false, forced: true }])[0]!.what, /is off/);
  assert.match(judgeRowSecurity([{ relname: "a", on: true, forced: false }])[0]!.what, /not forced/);
});

Deno.test("judgeVault() compares values and never shows one", () => {
  const entries = new Map([
    ["interlock_functions_url", `${API_URL}/functions/v1`],
    ["interlock_hub_key", "sb_secret_right"],
  ]);
  const target = { apiUrl: API_URL, hubKey: "sb_secret_right" };
  assert.deepEqual(states(judgeVault(entries, target)), ["ok", "ok"]);
  assert.deepEqual(states(judgeVault(entries, { apiUrl: null, hubKey: null })), [
    "ok",
    "skipped",
    "ok",
    "skipped",
  ]);
  assert.deepEqual(states(judgeVault(new Map(), target)), ["missing", "missing"]);
  const wrong = new Map([
    ["interlock_functions_url", "https://other.supabase.co/functions/v1"],
    ["interlock_hub_key", "sb_secret_wrong"],
  ]);
  assert.deepEqual(states(judgeVault(wrong, target)), ["missing", "missing"]);
  const legacy = new Map([["interlock_functions_url", `${API_URL}/`], ["interlock_hub_key", "eyJlegacy"]]);
  assert.deepEqual(states(judgeVault(legacy, target)), ["missing", "missing"]);
  for (const map of [entries, wrong, legacy]) {
    const report = judgeVault(map, target).map(renderFinding).join("\n");
    assert.doesNotMatch(report, /sb_secret_right|sb_secret_wrong|eyJlegacy|other\.supabase/);
  }
});

Deno.test("judgeJob() wants a job that is on, recent and successful", () => {
  const now = new Date("2026-01-01T00:10:00Z");
  const job = {
    schedule: "30 seconds",
    active: true,
    lastStatus: "succeeded",
    lastStartedAt: new Date("2026-01-01T00:09:45Z"),
  };
  assert.deepEqual(states(judgeJob(job, now)), ["ok", "ok"]);
  assert.deepEqual(states(judgeJob(null, now)), ["missing"]);
  assert.deepEqual(states(judgeJob({ ...job, active: false }, now)), ["missing"]);
  assert.deepEqual(states(judgeJob({ ...job, lastStatus: "failed" }, now)), ["ok", "missing"]);
  assert.deepEqual(states(judgeJob({ ...job, lastStartedAt: null }, now)), ["ok", "missing"]);
  const silent = { ...job, lastStartedAt: new Date("2026-01-01T00:00:00Z") };
  assert.deepEqual(states(judgeJob(silent, now)), ["ok", "missing"]);
});

Deno.test("judgeCalls() says why no call of the database arrives", () => {
  assert.equal(judgeCalls({ accepted: 1, others: 3, lastOtherStatus: 500 }).state, "ok");
  assert.match(judgeCalls({ accepted: 0, others: 0, lastOtherStatus: null }).todo!, /sent nothing/);
  assert.match(judgeCalls({ accepted: 0, others: 1, lastOtherStatus: 401 }).todo!, /interlock_hub_key/);
  assert.match(judgeCalls({ accepted: 0, others: 1, lastOtherStatus: 404 }).todo!, /deploy/);
  assert.match(
    judgeCalls({ accepted: 0, others: 1, lastOtherStatus: null }).todo!,
    /interlock_functions_url/,
  );
});

Deno.test("judgeContents() wants a tenant with an owner, and no demo users where others can reach them", () => {
  const contents = {
    tenants: 1,
    tenantsWithoutOwner: 0,
    demoUsers: 0,
    deadDispatches: 0,
    oldestDueSeconds: 0,
  };
  const hosted = { dbUrl: "postgresql://postgres@db.abc.supabase.co/postgres" };
  const local = { dbUrl: "postgresql://postgres@127.0.0.1/postgres" };
  assert.deepEqual(states(judgeContents(contents, hosted)), ["ok", "ok"]);
  assert.deepEqual(states(judgeContents({ ...contents, tenants: 0 }, hosted)), ["missing", "ok"]);
  assert.deepEqual(states(judgeContents({ ...contents, tenantsWithoutOwner: 1 }, hosted)), ["missing", "ok"]);
  assert.deepEqual(states(judgeContents({ ...contents, demoUsers: 8 }, hosted)), ["ok", "missing", "ok"]);
  assert.deepEqual(states(judgeContents({ ...contents, demoUsers: 8 }, local)), ["ok", "ok"]);
  assert.deepEqual(states(judgeContents({ ...contents, deadDispatches: 2 }, local)), ["ok", "note", "ok"]);
  assert.deepEqual(states(judgeContents({ ...contents, oldestDueSeconds: 301 }, local)), ["ok", "missing"]);
});

Deno.test("judgeJwks() wants a key pair, not a shared secret", () => {
  assert.equal(judgeJwks({ status: 200, body: { keys: [{ kty: "EC" }] } }).state, "ok");
  assert.equal(judgeJwks({ status: 200, body: { keys: [{ kty: "oct" }] } }).state, "missing");
  assert.equal(judgeJwks({ status: 200, body: { keys: [] } }).state, "missing");
  assert.equal(judgeJwks({ status: 404, body: null }).state, "missing");
});

Deno.test("judgeApiKey() tells a refused key from a refused read", () => {
  const refusedRead = { status: 401, body: { code: "42501" } };
  assert.equal(judgeApiKey("publishable", "sb_publishable_x", refusedRead).state, "ok");
  assert.equal(judgeApiKey("publishable", "sb_publishable_x", { status: 200, body: null }).state, "missing");
  const unknownKey = { status: 401, body: { message: "Invalid API key" } };
  assert.equal(judgeApiKey("publishable", "sb_publishable_x", unknownKey).state, "missing");
  assert.equal(judgeApiKey("secret", "sb_secret_x", { status: 200, body: null }).state, "ok");
  assert.equal(judgeApiKey("secret", "sb_secret_x", unknownKey).state, "missing");
  assert.match(judgeApiKey("secret", "eyJhbGciOi", { status: 200, body: null }).what, /not of the new kind/);
});

Deno.test("judgeFunction() tells deployed, absent, guarded by the gateway, and broken", () => {
  assert.equal(judgeFunction("f", { status: 401, body: { error_code: "UNAUTHENTICATED" } }).state, "ok");
  assert.match(judgeFunction("f", { status: 404, body: null }).what, /not deployed/);
  assert.match(judgeFunction("f", { status: 401, body: { message: "Invalid JWT" } }).todo!, /verify_jwt/);
  assert.match(judgeFunction("f", { status: 503, body: { code: "BOOT_ERROR" } }).what, /fails/);
  assert.equal(judgeFunction("f", { status: 200, body: {} }).state, "missing");
  assert.equal(judgeHubCall({ status: 202, body: {} }).state, "ok");
  assert.match(judgeHubCall({ status: 401, body: {} }).todo!, /named exactly hub/);
});

Deno.test("every function has a probe", async () => {
  const functions: string[] = [];
  for await (const entry of Deno.readDir(new URL("../../supabase/functions", import.meta.url))) {
    if (entry.isDirectory && !entry.name.startsWith("_")) functions.push(entry.name);
  }
  assert.deepEqual(Object.keys(FUNCTION_PROBES).sort(), functions.sort());
});

Deno.test("guarded() turns a broken check into a line, and every line that is not ok says what to do", async () => {
  const findings = await guarded("Vault", () => Promise.reject(new Error("permission denied\nmore")));
  assert.equal(renderFinding(findings[0]!).split("\n").length, 2);
  assert.match(findings[0]!.what, /Vault: could not be read \(permission denied\)/);
});
