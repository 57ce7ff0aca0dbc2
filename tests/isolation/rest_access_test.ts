import assert from "node:assert/strict";
import { type Answer, rest } from "../support/api.ts";
import { sql, stackTest } from "../support/stack.ts";
import { accessMatrix, type Caller, CALLERS, type Command, type Expectation } from "./access_matrix.ts";
import { type Cast, createCast } from "./cast.ts";
import { createSamples, type Sample } from "./sample_rows.ts";

let shared: Promise<{ cast: Cast; samples: Record<string, Sample> }> | undefined;
/** One cast and one set of rows for the whole file. */
const theCast = () =>
  shared ??= createCast().then(async (cast) => ({ cast, samples: await createSamples(cast.tenant) }));

/** Carries out a command as a caller, aimed at the tenant's sample. */
async function attempt(
  cast: Cast,
  caller: Caller,
  table: string,
  command: Command,
  sample: Sample,
  options = cast.restOptions(caller),
): Promise<Answer> {
  const headers = { ...options.headers, Prefer: "return=minimal,count=exact" };
  if (command === "select") return await rest(`${table}?${sample.filter}`, options);
  if (command === "insert") {
    return await rest(table, { ...options, headers, method: "POST", body: sample.row });
  }
  if (command === "update") {
    return await rest(`${table}?${sample.filter}`, {
      ...options,
      headers,
      method: "PATCH",
      body: sample.change,
    });
  }
  return await rest(`${table}?${sample.filter}`, { ...options, headers, method: "DELETE" });
}

/** What an answer amounts to: rows, none, or the status of a refusal. */
function outcomeOf(command: Command, answer: Answer): Expectation {
  if (answer.status >= 400) return answer.status;
  if (command === "select") return answer.body.length > 0 ? "rows" : "none";
  if (command === "insert") return "rows";
  const count = Number(/\/(\d+)$/.exec(answer.headers.get("content-range") ?? "")?.[1] ?? NaN);
  assert.ok(Number.isInteger(count), "PostgREST tells how many rows it changed");
  return count > 0 ? "rows" : "none";
}

for (const [table, commands] of Object.entries(accessMatrix.tables)) {
  stackTest(`ISO-REST ${table}: every caller and command as access.yaml says`, async () => {
    const { cast, samples } = await theCast();
    const wrong: string[] = [];
    for (const command of ["select", "insert", "update", "delete"] as const) {
      for (const caller of CALLERS) {
        const expected = commands[command]?.[caller];
        // An insert that succeeds takes its keys, a delete its row: the next caller needs others.
        const spends = expected === "rows" && (command === "insert" || command === "delete");
        const sample = (spends ? await createSamples(cast.tenant) : samples)[table];
        assert.ok(sample, `sample_rows.ts has no sample of ${table}`);
        const answer = await attempt(cast, caller, table, command, sample);
        const outcome = outcomeOf(command, answer);
        if (outcome !== expected) {
          wrong.push(
            `${command} by ${caller}: ${outcome}, expected ${expected} ${JSON.stringify(answer.body)}`,
          );
        }
        if (caller !== "foreign") continue;
        // With all their rights, in the workspace that is theirs: a policy that forgets the tenant shows only here.
        const atHome = await attempt(cast, caller, table, command, sample, {
          user: cast.foreign.users.owner,
          tenantId: cast.foreign.id,
        });
        if (outcomeOf(command, atHome) !== expected) {
          wrong.push(
            `${command} by foreign, at home: ${outcomeOf(command, atHome)} ${JSON.stringify(atHome.body)}`,
          );
        }
      }
    }
    assert.deepEqual(wrong, []);
  });
}

for (const [view, callers] of Object.entries(accessMatrix.views)) {
  stackTest(`ISO-REST ${view}: every caller as access.yaml says`, async () => {
    const { cast, samples } = await theCast();
    const sample = samples[view]!;
    for (const caller of CALLERS) {
      const answer = await attempt(cast, caller, view, "select", sample);
      assert.equal(outcomeOf("select", answer), callers[caller], `${caller} ${JSON.stringify(answer.body)}`);
      if (caller !== "foreign") continue;
      const home = { user: cast.foreign.users.owner, tenantId: cast.foreign.id };
      const atHome = await attempt(cast, caller, view, "select", sample, home);
      assert.equal(outcomeOf("select", atHome), callers[caller], `at home ${JSON.stringify(atHome.body)}`);
    }
  });
}

stackTest(
  "ISO-CATALOG: every table and view of schema public has a line in access.yaml, for every caller",
  async () => {
    const relations =
      await sql`select relname, relkind from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')`;
    const tables = relations.filter((row) => ["r", "p"].includes(row.relkind)).map((row) => row.relname)
      .sort();
    const views = relations.filter((row) => ["v", "m"].includes(row.relkind)).map((row) => row.relname)
      .sort();
    assert.deepEqual(tables, Object.keys(accessMatrix.tables).sort());
    assert.deepEqual(views, Object.keys(accessMatrix.views).sort());
    for (const [table, commands] of Object.entries(accessMatrix.tables)) {
      assert.deepEqual(Object.keys(commands).sort(), ["delete", "insert", "select", "update"], table);
      for (const row of Object.values(commands)) {
        assert.deepEqual(
          Object.keys(row).sort(),
          [...CALLERS].sort(),
          table,
        );
      }
    }
  },
);

stackTest("ISO-REST: no, wrong, expired and other people's credentials open nothing", async () => {
  const { cast } = await theCast();
  const path = `crm_contacts?tenant_id=eq.${cast.tenant.id}`;
  const named = { "x-workspace-id": cast.tenant.id };
  const bodies: Record<string, Answer> = {
    "no key": await rest(path, { headers: { apikey: "" } }),
    "a wrong key": await rest(path, { headers: { apikey: "sb_secret_wrong", ...named } }),
    "a garbage token": await rest(path, { headers: { authorization: "Bearer garbage", ...named } }),
    "a token with another signature": await rest(path, {
      headers: { authorization: `Bearer ${cast.tenant.users.owner.token.slice(0, -6)}AAAAAA`, ...named },
    }),
  };
  for (const [what, answer] of Object.entries(bodies)) {
    assert.equal(answer.status, 401, `${what}: ${JSON.stringify(answer.body)}`);
  }
  // A foreign owner naming this tenant, their own tenant, nonsense, or nothing, never sees a row of it.
  for (const tenantId of [cast.tenant.id, cast.foreign.id, "nonsense", "", undefined]) {
    const answer = await rest(path, { user: cast.foreign.users.owner, tenantId });
    assert.deepEqual([answer.status, answer.body], [200, []], String(tenantId));
  }
  // A member bound to one org cannot widen or change it by a header.
  for (const orgId of [cast.tenant.orgs[0], "nonsense", crypto.randomUUID()]) {
    const answer = await rest(path, { user: cast.outsider, tenantId: cast.tenant.id, orgId });
    assert.deepEqual([answer.status, answer.body], [200, []], orgId);
  }
  // A platform-level admin who names an org that is none sees no row of any org.
  const none = await rest(path, {
    user: cast.tenant.users.admin,
    tenantId: cast.tenant.id,
    orgId: "nonsense",
  });
  assert.deepEqual(none.body, []);
});

stackTest("ISO-REST: nobody lifts themselves above their rank", async () => {
  const { cast } = await theCast();
  const { admin, manager, owner } = cast.tenant.users;
  const member = (userId: string) => `tenant_members?tenant_id=eq.${cast.tenant.id}&user_id=eq.${userId}`;
  const promote = (user: typeof admin, target: string, change: Record<string, unknown>) =>
    rest(member(target), {
      user,
      tenantId: cast.tenant.id,
      method: "PATCH",
      body: change,
      headers: { Prefer: "count=exact,return=minimal" },
    });
  for (
    const [user, target, change] of [
      [admin, admin.id, { role: "owner" }],
      [admin, manager.id, { role: "owner", org_id: null }],
      [admin, owner.id, { role: "member", org_id: cast.tenant.orgs[0] }],
      [manager, manager.id, { role: "admin", org_id: null }],
      [manager, manager.id, { org_id: null }],
      [cast.outsider, cast.outsider.id, { org_id: cast.tenant.orgs[0] }],
    ] as const
  ) {
    const before =
      await sql`select role, org_id from public.tenant_members where tenant_id = ${cast.tenant.id} and user_id = ${target}`;
    await promote(user, target, change);
    const after =
      await sql`select role, org_id from public.tenant_members where tenant_id = ${cast.tenant.id} and user_id = ${target}`;
    assert.deepEqual([...after], [...before], JSON.stringify(change));
  }
});
