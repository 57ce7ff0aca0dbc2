import assert from "node:assert/strict";
import postgres from "postgres";
import { freePort } from "../../local/free_port.ts";
import { asRole, type BareStack, eventually, refusal, withBareStack } from "../support/bare_stack.ts";

Deno.test("the extension doubles", async (t) => {
  await withBareStack(async (bare) => {
    await t.step("postgres creates the extensions, the superuser owns them", () => createExtensions(bare));
    await t.step("cron refuses bad schedules and takes good ones", () => cronSchedules(bare));
    await t.step("cron runs a job in seconds, records it, and stops when unscheduled", () => cronRuns(bare));
    await t.step("cron never overlaps a job with itself", () => cronDoesNotOverlap(bare));
    await t.step("net sends after commit, never after rollback", () => netSendsAfterCommit(bare));
    await t.step("net keeps responses, timeouts and failures", () => netKeepsResponses(bare));
    await t.step("vault encrypts at rest and refuses the API roles", () => vaultEncrypts(bare));
    await t.step("cron and net go on after Postgres restarts", () => workersSurviveRestart(bare));
  });
});

async function createExtensions({ sql }: BareStack): Promise<void> {
  await sql`create extension if not exists pg_cron with schema pg_catalog`;
  await sql`create extension if not exists pg_net with schema extensions`;
  await sql`create extension if not exists supabase_vault`;
  const owners = await sql`
    select n.nspname, n.nspowner::regrole::text as owner from pg_namespace n
    where n.nspname in ('cron', 'net', 'vault') order by 1`;
  assert.deepEqual(owners.map((row) => row.owner), ["supabase_admin", "supabase_admin", "supabase_admin"]);
  const foreign = await sql`
    select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('cron', 'net', 'vault') and c.relowner <> 'supabase_admin'::regrole`;
  assert.deepEqual([...foreign], []);
}

async function cronSchedules({ sql }: BareStack): Promise<void> {
  const verdicts: Record<string, boolean> = {
    "1 second": true,
    "59 seconds": true,
    "60 seconds": false,
    "0 seconds": false,
    "*/5 0-6/2 $ jan,mar-may mon-fri": true,
    "0 3 * * 7": true,
    "60 * * * *": false,
    "* 24 * * *": false,
    "* * 0 * *": false,
    "* * * 13 *": false,
    "* * * * 8": false,
    "7-3 * * * *": false,
    "*/0 * * * *": false,
    "* * * *": false,
    "every day": false,
  };
  for (const [schedule, valid] of Object.entries(verdicts)) {
    const attempt = sql`select cron.schedule('tried', ${schedule}, 'select 1')`;
    if (valid) await attempt;
    else assert.equal(await refusal(attempt), "22023", schedule);
  }
  const jobs = await sql`select schedule, username, active from cron.job`;
  assert.deepEqual([...jobs], [{ schedule: "0 3 * * 7", username: "postgres", active: true }]);
  assert.equal(await refusal(sql`delete from cron.job`), "42501");
  const [gone] = await sql`select cron.unschedule('tried') as removed`;
  assert.equal(gone!.removed, true);
  assert.equal(await refusal(sql`select cron.unschedule('tried')`), "P0001");
}

async function cronRuns({ sql }: BareStack): Promise<void> {
  await sql`create table public.ticks (at timestamptz not null, who text not null)`;
  const command = "insert into public.ticks values (clock_timestamp(), session_user)";
  const [job] = await sql`select cron.schedule('tick', '1 second', ${command}) as id`;
  await sql`select cron.schedule('broken', '1 second', 'select 1 / 0')`;
  const runs = await eventually("Two runs of each job", 5000, async () => {
    const found = await sql`
      select d.status, d.return_message, d.username from cron.job_run_details d
      where d.end_time is not null order by d.jobid, d.runid`;
    return found.filter((run) => run.status === "succeeded").length >= 2 && found;
  });
  assert.deepEqual({ ...runs[0] }, { status: "succeeded", return_message: "INSERT 1", username: "postgres" });
  const failed = runs.find((run) => run.status === "failed");
  assert.equal(failed?.return_message, "ERROR: division by zero");
  const [tick] = await sql`select distinct who from public.ticks`;
  assert.equal(tick!.who, "postgres");

  await sql`select cron.unschedule(${job!.id}::bigint), cron.unschedule('broken')`;
  await new Promise((resolve) => setTimeout(resolve, 300));
  const [before] = await sql`select count(*)::integer as n from public.ticks`;
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const [after] = await sql`select count(*)::integer as n from public.ticks`;
  assert.equal(after!.n, before!.n);
}

async function cronDoesNotOverlap({ sql }: BareStack): Promise<void> {
  const [job] = await sql`select cron.schedule('slow', '1 second', 'select pg_sleep(1.7)') as id`;
  const runs = await eventually("Two runs of the slow job", 8000, async () => {
    const found = await sql`
      select start_time, end_time from cron.job_run_details
      where jobid = ${job!.id} and status = 'succeeded' order by runid`;
    return found.length >= 2 && found;
  });
  await sql`select cron.unschedule('slow')`;
  assert.ok(runs[1]!.start_time >= runs[0]!.end_time);
}

interface Received {
  method: string;
  url: string;
  body: string;
  contentType: string | null;
  at: number;
}

/** A server that notes what it gets; `/slow` answers late, `/moved` redirects, the rest answers 201. */
async function withReceiver(test: (url: string, received: Received[]) => Promise<void>): Promise<void> {
  const received: Received[] = [];
  const aborted = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, signal: aborted.signal },
    async (request) => {
      const at = performance.timeOrigin + performance.now();
      const url = new URL(request.url);
      received.push({
        method: request.method,
        url: url.pathname + url.search,
        body: await request.text(),
        contentType: request.headers.get("content-type"),
        at,
      });
      if (url.pathname === "/slow") await new Promise((resolve) => setTimeout(resolve, 600));
      if (url.pathname === "/moved") {
        return new Response(null, {
          status: 302,
          headers: { location: "/there" },
        });
      }
      return new Response("noted", { status: 201, headers: { "x-answer": "yes" } });
    },
  );
  try {
    await test(`http://127.0.0.1:${server.addr.port}`, received);
  } finally {
    aborted.abort();
    await server.finished;
  }
}

async function netSendsAfterCommit({ sql }: BareStack): Promise<void> {
  await withReceiver(async (url, received) => {
    const rolledBack = sql.begin(async (transaction) => {
      await transaction`select net.http_post(${url + "/never"})`;
      await new Promise((resolve) => setTimeout(resolve, 100));
      throw new Error("on purpose");
    });
    await assert.rejects(rolledBack, /on purpose/);

    const delaysMs: number[] = [];
    for (let n = 0; n < 5; n++) {
      const before = received.length;
      let committedAt = 0;
      await sql.begin(async (transaction) => {
        await transaction`select net.http_post(${`${url}/kept`}, ${transaction.json({ n })}, ${
          transaction.json({ q: "ä b" })
        })`;
        await new Promise((resolve) => setTimeout(resolve, 50));
        assert.equal(received.length, before, "nothing may be sent before the commit");
        committedAt = performance.timeOrigin + performance.now();
      });
      await eventually("The request arrived", 2000, () => Promise.resolve(received.length > before));
      delaysMs.push(received.at(-1)!.at - committedAt);
    }
    assert.deepEqual(received.map((request) => request.url), Array(5).fill("/kept?q=%C3%A4%20b"));
    assert.equal(received[0]!.body, '{"n": 0}');
    assert.equal(received[0]!.contentType, "application/json");
    delaysMs.sort((a, b) => a - b);
    assert.ok(delaysMs[2]! < 50, `a request left ${delaysMs[2]} ms after its commit`);
  });
}

async function netKeepsResponses({ sql }: BareStack): Promise<void> {
  await withReceiver(async (url, received) => {
    const [ids] = await sql`
      select net.http_get(${url + "/plain"}) as plain, net.http_get(${url + "/moved"}) as moved,
        net.http_get(${url + "/slow"}, timeout_milliseconds := 100) as slow, net.http_delete(${
      url + "/gone"
    }) as gone,
        net.http_get(${`http://127.0.0.1:${freePort()}/`}) as refused`;
    const wanted = Object.values(ids!);
    await eventually("All responses are stored", 3000, async () => {
      const [count] =
        await sql`select count(*)::integer as n from net._http_response where id = any(${wanted})`;
      return count!.n === wanted.length;
    });
    const response = async (id: string) => (await sql`select * from net._http_response where id = ${id}`)[0]!;
    const plain = await response(ids!.plain);
    assert.deepEqual([plain.status_code, plain.content, plain.timed_out, plain.error_msg], [
      201,
      "noted",
      false,
      null,
    ]);
    assert.equal(plain.headers["x-answer"], "yes");
    assert.equal((await response(ids!.moved)).status_code, 201);
    assert.ok(received.some((request) => request.url === "/there"));
    const slow = await response(ids!.slow);
    assert.deepEqual([slow.status_code, slow.timed_out, slow.error_msg], [
      null,
      true,
      "Timeout of 100 ms reached",
    ]);
    assert.equal((await response(ids!.gone)).status_code, 201);
    const refused = await response(ids!.refused);
    assert.deepEqual([refused.status_code, refused.timed_out], [null, false]);
    assert.match(refused.error_msg, /refused/i);

    await sql`select net.http_post(${url + "/burst"}) from generate_series(1, 200)`;
    await eventually(
      "200 requests arrived",
      5000,
      () => Promise.resolve(received.filter((request) => request.url === "/burst").length === 200),
    );
    const [left] = await sql`select count(*)::integer as n from net.http_request_queue`;
    assert.equal(left!.n, 0);
    await eventually("200 responses are stored", 3000, async () => {
      const [count] =
        await sql`select count(*)::integer as n from net._http_response where status_code = 201`;
      return count!.n >= 203;
    });
  });
}

async function vaultEncrypts({ sql, admin }: BareStack): Promise<void> {
  const plaintext = `canary-${crypto.randomUUID()}`;
  const [made] = await sql`select vault.create_secret(${plaintext}, 'canary', 'a test') as id`;
  const [twin] = await sql`select vault.create_secret(${plaintext}) as id`;
  const [dump] = await admin`select string_agg(s::text, '') as text from vault.secrets s`;
  assert.ok(!dump!.text.includes(plaintext));
  const rows = await sql`select secret, decrypted_secret from vault.decrypted_secrets where id in (${
    made!.id
  }, ${twin!.id})`;
  assert.deepEqual(rows.map((row) => row.decrypted_secret), [plaintext, plaintext]);
  assert.notEqual(rows[0]!.secret, rows[1]!.secret);

  await sql`select vault.update_secret(${made!.id}, 'another', 'renamed')`;
  const [changed] =
    await sql`select name, description, decrypted_secret from vault.decrypted_secrets where id = ${made!.id}`;
  assert.deepEqual({ ...changed }, { name: "renamed", description: "a test", decrypted_secret: "another" });
  assert.equal(await refusal(sql`select vault.create_secret('x', 'renamed')`), "23505");

  for (const role of ["anon", "authenticated"]) {
    for (const statement of ["select * from vault.decrypted_secrets", "select vault.create_secret('x')"]) {
      assert.equal(
        await refusal(asRole(sql, role, statement)),
        "42501",
        `${role}: ${statement}`,
      );
    }
  }
  // Tampered ciphertext is noticed, not returned.
  await admin`update vault.secrets set secret = (select secret from vault.secrets where id = ${
    twin!.id
  }) where id = ${made!.id}`;
  assert.equal(
    await refusal(sql`select decrypted_secret from vault.decrypted_secrets where id = ${made!.id}`),
    "39000",
  );
  await sql`delete from vault.secrets where id in (${made!.id}, ${twin!.id})`;
}

async function workersSurviveRestart({ stack }: BareStack): Promise<void> {
  await stack.postgres.stop();
  await new Promise((resolve) => setTimeout(resolve, 3000));
  await stack.postgres.start();
  const sql = postgres(stack.dbUrl, { max: 1, onnotice: () => {} });
  try {
    await withReceiver(async (url, received) => {
      await sql`select net.http_post(${url + "/after"})`;
      await eventually("A request after the restart", 5000, () => Promise.resolve(received.length === 1));
    });
    await sql`select cron.schedule('after_restart', '1 second', 'select 1')`;
    await eventually("A cron run after the restart", 5000, async () => {
      const [run] = await sql`
        select d.status from cron.job_run_details d join cron.job j using (jobid)
        where j.jobname = 'after_restart' and d.status = 'succeeded'`;
      return run;
    });
    await sql`select cron.unschedule('after_restart')`;
  } finally {
    await sql.end({ timeout: 1 });
  }
}
