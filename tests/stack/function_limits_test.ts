import assert from "node:assert/strict";
import { join } from "node:path";
import { type Stack, startStack } from "../../local/stack.ts";
import type { WorkerLimits } from "../../local/worker_limits.ts";
import { eventually } from "../support/bare_stack.ts";
import { fillFromPrepared } from "../support/prepared_data.ts";
import { PROBES } from "./probe_functions.ts";

/** Runs a test on a stack that serves the probes, without a schema. */
async function withProbes(
  limits: Partial<WorkerLimits>,
  test: (stack: Stack, t: Deno.TestContext) => Promise<void>,
  t: Deno.TestContext,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "interlock-limits-test-" });
  await Deno.chmod(root, 0o755);
  const functionsDir = join(root, "functions");
  const migrationsDir = join(root, "migrations");
  await Deno.mkdir(migrationsDir);
  for (const [name, source] of Object.entries(PROBES)) {
    await Deno.mkdir(join(functionsDir, name), { recursive: true });
    await Deno.writeTextFile(join(functionsDir, name, "index.ts"), source);
  }
  await Deno.writeTextFile(join(functionsDir, "deno.json"), `{ "imports": {} }`);
  await fillFromPrepared("empty", join(root, "data"));
  const stack = await startStack({
    dataDir: join(root, "data"),
    port: 0,
    functionsDir,
    migrationsDir,
    seedFile: null,
    postgrest: false,
    limits,
  });
  try {
    await test(stack, t);
  } finally {
    await stack.stop();
    await Deno.remove(root, { recursive: true });
  }
}

interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // deno-lint-ignore no-explicit-any
  json: any;
}

async function ask(stack: Stack, path: string, requestId = crypto.randomUUID() as string): Promise<Answer> {
  const response = await fetch(`${stack.apiUrl}/functions/v1/${path}`, {
    headers: { "x-request-id": requestId },
  });
  const text = await response.text();
  const json = text.startsWith("{") ? JSON.parse(text) : null;
  return { status: response.status, headers: response.headers, text, json };
}

/** Waits for a line of the stack's log that holds all of the words. */
async function logged(stack: Stack, ...words: string[]): Promise<string> {
  return await eventually(`a log line with ${words.join(", ")}`, 10_000, async () => {
    const lines = (await Deno.readTextFile(stack.logFile)).split("\n");
    return lines.find((line) => words.every((word) => line.includes(word)));
  });
}

function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

async function refusesMemory(stack: Stack, path: string): Promise<void> {
  const requestId = crypto.randomUUID();
  const answer = await ask(stack, path, requestId);
  assert.equal(answer.status, 546, answer.text);
  assert.equal(answer.json.code, "WORKER_LIMIT");
  assert.match(answer.json.message, /memoryMb: 256 MB/);
  await logged(stack, "hog could not answer: 546", "limit=memoryMb", "allowed=256 MB", requestId);
  await logged(stack, "hog killed", "limit=memoryMb", "open=1");
}

async function retiresAtHalfOfMemory(stack: Stack): Promise<void> {
  const first = await ask(stack, "hog/140");
  assert.equal(first.status, 200, first.text);
  await logged(stack, "hog retired", "limit=memoryMb", "allowed=128 MB", `pid=${first.json.pid}`);
  const second = await ask(stack, "hog/0");
  assert.equal(second.status, 200);
  assert.notEqual(second.json.pid, first.json.pid);
  await eventually("its end", 5000, () => Promise.resolve(!isRunning(first.json.pid)));
}

async function answersSoftLimit(stack: Stack): Promise<void> {
  const long = ask(stack, "burner/1300");
  await logged(stack, "burner retired", "limit=cpuSoftMs", "allowed=1000 ms", "open=1");
  const [fresh, old] = await Promise.all([ask(stack, "burner/0"), long]);
  assert.equal(old.status, 200, "the open request is finished by the retired worker");
  assert.equal(fresh.status, 200);
  assert.notEqual(fresh.json.pid, old.json.pid, "a new request gets a fresh worker");
  await logged(stack, "heard early_drop");
  await eventually("the end of the retired worker", 5000, () => Promise.resolve(!isRunning(old.json.pid)));
}

async function finishesBackgroundWork(stack: Stack): Promise<void> {
  const { status, json } = await ask(stack, "burner/1250/behind");
  assert.equal(status, 200);
  await logged(stack, "burner retired", `pid=${json.pid}`, "open=0");
  assert.ok(isRunning(json.pid), "it goes on while background work is left");
  await logged(stack, "worked behind");
  await eventually("its end", 5000, () => Promise.resolve(!isRunning(json.pid)));
}

async function killsAtHardLimit(stack: Stack): Promise<void> {
  const answer = await ask(stack, "burner/60000", "burn-for-ever");
  assert.equal(answer.status, 546, answer.text);
  assert.equal(answer.json.code, "WORKER_LIMIT");
  await logged(stack, "heard cpu");
  await logged(stack, "burner killed", "limit=cpuHardMs", "allowed=2000 ms");
  await logged(stack, "burner could not answer: 546", "limit=cpuHardMs", "request=burn-for-ever");
  assert.equal((await ask(stack, "burner/0")).status, 200, "the next request gets a fresh worker");
}

async function losesNothing(stack: Stack): Promise<void> {
  const ids = Array.from({ length: 300 }, (_, index) => `stream-${index}`);
  const waiting = [...ids];
  const pids = new Set<number>();
  const lane = async () => {
    for (let id = waiting.shift(); id; id = waiting.shift()) {
      const answer = await ask(stack, "counter", id);
      assert.equal(answer.status, 200, `${id}: ${answer.text}`);
      pids.add(answer.json.pid);
    }
  };
  await Promise.all([lane(), lane(), lane()]);
  assert.ok(pids.size >= 3, `two retirements were to happen, but only ${pids.size} workers answered`);
  await logged(stack, "counter retired");
  const handled = [...(await Deno.readTextFile(stack.logFile)).matchAll(/handled (stream-\d+)$/gm)]
    .map(([, id]) => id!);
  assert.deepEqual(handled.sort(), ids.sort(), "each request reached a function exactly once");
}

async function showsUsage(stack: Stack): Promise<void> {
  const { pid } = (await ask(stack, "slow")).json;
  await new Promise((resolve) => setTimeout(resolve, 150));
  const url = `${stack.apiUrl}/_internal/functions`;
  const { limits, functions } = await (await fetch(url, { headers: { accept: "application/json" } })).json();
  assert.equal(limits.memoryMb, 256);
  const slow = functions.find((row: { function: string }) => row.function === "slow");
  assert.deepEqual(
    [slow.state, slow.pid, slow.requests, slow.open_requests, slow.workers_started],
    ["running", pid, 1, 0, 1],
  );
  assert.ok(slow.memory_mb > 5 && slow.cpu_ms > 0 && slow.age_ms > 0, JSON.stringify(slow));
  const table = await (await fetch(url)).text();
  assert.match(table, /^slow +running +\d+ MB +\d+ ms +\d+ s +1 +0 +1 +\d+$/m);
  assert.match(table, /^dialler +not running/m);
  assert.match(table, /memory 256 MB; CPU since boot 1 s retires, 2 s kills/);
}

Deno.test("LIMITS: what one worker may use", (t) =>
  withProbes({}, async (stack, t) => {
    await t.step("usage is shown per function, as JSON and as a table", () => showsUsage(stack));
    await t.step("half of the memory: retired, its request is finished", () => retiresAtHalfOfMemory(stack));
    await t.step(
      "buffers beyond the memory limit: killed, 546, named in the log",
      () => refusesMemory(stack, "hog/1024"),
    );
    await t.step(
      "beforeunload says memory before that",
      () => logged(stack, "hog ", "heard memory").then(() => {}),
    );
    await t.step(
      "a heap beyond the memory limit, grown in one go: the same",
      () => refusesMemory(stack, "hog/heap"),
    );
    await t.step(
      "CPU soft limit: retired, its request is finished, a fresh worker takes new ones",
      () => answersSoftLimit(stack),
    );
    await t.step("a retired worker finishes its background work", () => finishesBackgroundWork(stack));
    await t.step("CPU hard limit: beforeunload, killed, 546", () => killsAtHardLimit(stack));
    await t.step(
      "300 requests across retirements: all answered, each handled once",
      () => losesNothing(stack),
    );
  }, t));

Deno.test("LIMITS: the wall clock", (t) =>
  withProbes({ wallClockMs: 4000 }, async (stack, t) => {
    await t.step("at half of it an idle worker goes, and the next request gets another", async () => {
      const first = (await ask(stack, "slow")).json.pid;
      await logged(stack, "slow retired", "limit=wallClockMs", "allowed=2000 ms");
      await eventually("its end", 3000, () => Promise.resolve(!isRunning(first)));
      assert.notEqual((await ask(stack, "slow")).json.pid, first);
    });
    await t.step("an open request may go on until the end of it, then it is 546", async () => {
      const answers = await Promise.all([ask(stack, "burner/0"), ask(stack, "slow/20000")]);
      assert.deepEqual(answers.map((answer) => answer.status), [200, 546]);
      await logged(stack, "heard wall_clock");
      await logged(stack, "slow killed", "limit=wallClockMs", "allowed=4000 ms");
    });
  }, t));

Deno.test("LIMITS: the gateway", (t) =>
  withProbes({ answerTimeoutMs: 1000, chainCallsPerMinute: 20 }, async (stack, t) => {
    await t.step("no answer in time: 504, named in the log", async () => {
      const answer = await ask(stack, "slow/5000", "too-slow");
      assert.equal(answer.status, 504, answer.text);
      await logged(stack, "slow answered too late: 504", "allowed=1000 ms", "request=too-slow");
      assert.equal((await ask(stack, "slow/10")).status, 200);
    });
    await t.step("HTML in answer to GET is plain text; everything else stays", async () => {
      const page = await ask(stack, "page");
      assert.equal(page.headers.get("content-type"), "text/plain; charset=utf-8");
      assert.equal(page.headers.get("x-kept"), "GET");
      assert.equal(page.text, "<b>hello</b>");
      const posted = await fetch(`${stack.apiUrl}/functions/v1/page`, { method: "POST" });
      assert.equal(posted.headers.get("content-type"), "text/html; charset=utf-8");
      await posted.body?.cancel();
    });
    await t.step("a chain of functions has a budget of calls; each chain its own", async () => {
      const within = await ask(stack, "caller/20");
      assert.deepEqual(within.json, { answered: 20 });
      const beyond = await ask(stack, "caller/25");
      assert.deepEqual([beyond.json.answered, beyond.json.refused, beyond.json.known], [
        20,
        "RateLimitError",
        true,
      ]);
      assert.ok(beyond.json.waitMs > 0 && beyond.json.waitMs <= 60_000);
      await logged(stack, "a call of page by a function was refused: 429", "allowed=20");
    });
    await t.step("what the functions it calls do themselves counts for the same chain", async () => {
      // Four calls of itself that make five each would be 24.
      assert.equal((await ask(stack, "caller/4/caller%2F5")).json.answered, 20);
    });
    await t.step("calls from outside do not count", async () => {
      const answers = await Promise.all(Array.from({ length: 40 }, () => ask(stack, "page")));
      assert.ok(answers.every((answer) => answer.status === 200));
    });
    await t.step("the ports of mail are closed, others open", async () => {
      for (const port of [25, 587]) {
        assert.equal((await ask(stack, `dialler/127.0.0.1/${port}`)).text, "NotCapable");
      }
      assert.equal((await ask(stack, `dialler/localhost/${new URL(stack.apiUrl).port}`)).text, "connected");
    });
  }, t));
