import assert from "node:assert/strict";
import { join } from "node:path";
import { type Stack, startStack } from "../../local/stack.ts";

const MAIN = new URL("../../local/main.ts", import.meta.url).pathname;
const ECHO = `export default {
  async fetch(request: Request) {
    const url = new URL(request.url);
    if (url.pathname === "/echo/crash") Deno.exit(7);
    if (url.pathname === "/echo/early") return new Response("early", { status: 401 });
    if (url.pathname === "/echo/slow") await new Promise((resolve) => setTimeout(resolve, 600));
    const body = await request.text();
    return Response.json({ version: 1, path: url.pathname + url.search, method: request.method, bytes: body.length,
      apikey: request.headers.get("apikey"), length: request.headers.get("content-length"), pid: Deno.pid,
      names: Object.keys(Deno.env.toObject()) });
  },
};
`;

interface Echo {
  version: number;
  path: string;
  method: string;
  bytes: number;
  apikey: string | null;
  length: string | null;
  pid: number;
  names: string[];
}

/** A project of this file's own: two functions (one does not compile) and no migrations. */
async function makeProject(): Promise<
  { root: string; functionsDir: string; dataDir: string; migrationsDir: string }
> {
  const root = await Deno.makeTempDir({ prefix: "interlock-stack-test-" });
  await Deno.chmod(root, 0o755);
  const project = {
    root,
    functionsDir: join(root, "functions"),
    dataDir: join(root, "data"),
    migrationsDir: join(root, "migrations"),
  };
  for (const name of ["echo", "broken", "_shared"]) {
    await Deno.mkdir(join(project.functionsDir, name), { recursive: true });
  }
  await Deno.writeTextFile(join(project.functionsDir, "deno.json"), `{ "imports": {} }`);
  await Deno.writeTextFile(join(project.functionsDir, "echo/index.ts"), ECHO);
  await Deno.writeTextFile(join(project.functionsDir, "broken/index.ts"), `import "./absent.ts";\n`);
  await Deno.mkdir(project.migrationsDir);
  await Deno.writeTextFile(
    join(project.migrationsDir, "20260101000000_notes.sql"),
    `create table public.notes (id integer primary key);
     alter table public.notes enable row level security;
     insert into public.notes values (1), (2);`,
  );
  return project;
}

function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

/** The processes below a process: all that name it, or one below it, as their parent. */
function descendantsOf(pid: number): number[] {
  const children = [...Deno.readDirSync("/proc")].map((entry) => Number(entry.name)).filter((candidate) => {
    if (!candidate) return false;
    try {
      const stat = Deno.readTextFileSync(`/proc/${candidate}/stat`);
      return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid;
    } catch {
      return false; // It ended while we looked.
    }
  });
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

async function waitFor(
  what: string,
  timeoutMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!await condition()) {
    assert.ok(Date.now() < deadline, `${what} did not happen within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch {
    return false;
  }
}

async function answersWithin(request: Promise<Response>, timeoutMs: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<boolean>((resolve) => timer = setTimeout(() => resolve(false), timeoutMs));
  const answered = request.then(() => true, () => false);
  const result = await Promise.race([answered, timeout]);
  clearTimeout(timer);
  return result;
}

async function echo(stack: Stack, path: string, init?: RequestInit): Promise<Echo> {
  const response = await fetch(`${stack.apiUrl}/functions/v1/echo${path}`, init);
  assert.equal(response.status, 200, await response.clone().text());
  return await response.json() as Echo;
}

Deno.test("the local stack", async (t) => {
  const project = await makeProject();
  const stack = await startStack({ ...project, port: 0, seedFile: null, watch: true });
  const key = { apikey: stack.publishableKey };
  const secret = { apikey: stack.secretKey };
  try {
    await t.step("health names the components", async () => {
      const response = await fetch(`${stack.apiUrl}/health`);
      assert.equal(response.status, 200);
      const health = await response.json();
      assert.ok(health.postgres && health.postgrest);
    });

    await t.step("rest wants a key, and refuses an unknown one", async () => {
      const url = `${stack.apiUrl}/rest/v1/notes`;
      const without = await fetch(url);
      assert.equal(without.status, 401);
      assert.match((await without.json()).message, /No API key/);
      const wrong = await fetch(url, { headers: { apikey: "sb_secret_nobody" } });
      assert.equal(wrong.status, 401);
      assert.equal((await wrong.json()).message, "Invalid API key");
    });

    await t.step(
      "a publishable key is anon, a secret key is service_role, in either header or both",
      async () => {
        const url = `${stack.apiUrl}/rest/v1/notes`;
        assert.deepEqual(await (await fetch(url, { headers: key })).json(), []);
        for (
          const headers of [
            secret,
            { authorization: `Bearer ${stack.secretKey}` },
            { ...secret, authorization: `Bearer ${stack.secretKey}` },
          ]
        ) assert.deepEqual(await (await fetch(url, { headers })).json(), [{ id: 1 }, { id: 2 }]);
      },
    );

    await t.step("a browser may ask rest first", async () => {
      const response = await fetch(`${stack.apiUrl}/rest/v1/notes`, { method: "OPTIONS" });
      await response.body?.cancel();
      assert.ok(response.ok);
      assert.equal(response.headers.get("access-control-allow-origin"), "*");
    });

    await t.step("a function is spawned on its first request, once for many at the same time", async () => {
      assert.deepEqual(stack.functions.pids(), {});
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => echo(stack, "/a%20b?x=1&x=2", { headers: key })),
      );
      assert.equal(new Set(answers.map((answer) => answer.pid)).size, 1);
      assert.equal(answers[0]!.path, "/echo/a%20b?x=1&x=2");
      assert.equal(answers[0]!.apikey, stack.publishableKey);
    });

    await t.step("a function sees the length of the body, and the platform's variables alone", async () => {
      const answer = await echo(stack, "", { method: "POST", body: "hello" });
      assert.equal(answer.bytes, 5);
      assert.equal(answer.length, "5");
      const allowed = /^(SUPABASE_|SB_|INTERLOCK_|DENO_|HOME$|PATH$|TMPDIR$|XDG_CACHE_HOME$|NO_COLOR$)/;
      assert.deepEqual(answer.names.filter((name) => !allowed.test(name)), []);
    });

    await t.step("unknown, shared and broken functions each say what they are", async () => {
      for (const name of ["absent", "_shared"]) {
        const response = await fetch(`${stack.apiUrl}/functions/v1/${name}`);
        assert.equal(response.status, 404);
        assert.equal((await response.json()).error_code, "NOT_FOUND");
      }
      const broken = await fetch(`${stack.apiUrl}/functions/v1/broken`);
      assert.equal(broken.status, 503);
      assert.equal((await broken.json()).error_code, "BOOT_ERROR");
      assert.match(await Deno.readTextFile(stack.logFile), /absent\.ts/);
    });

    await t.step("a crash answers 503 to those in flight, and the next request is served", async () => {
      const { pid } = await echo(stack, "");
      const slow = fetch(`${stack.apiUrl}/functions/v1/echo/slow`);
      await new Promise((resolve) => setTimeout(resolve, 100));
      const crashed = await fetch(`${stack.apiUrl}/functions/v1/echo/crash`);
      for (const response of [crashed, await slow]) {
        assert.equal(response.status, 503);
        assert.equal((await response.json()).error_code, "UNAVAILABLE");
        assert.ok(response.headers.has("retry-after"));
      }
      assert.notEqual((await echo(stack, "")).pid, pid);
    });

    await t.step(
      "saving a function reloads it; a request in flight finishes in the old process",
      async () => {
        const before = await echo(stack, "");
        const slow = echo(stack, "/slow");
        await new Promise((resolve) => setTimeout(resolve, 100));
        const path = join(project.functionsDir, "echo/index.ts");
        await Deno.writeTextFile(path, ECHO.replace("version: 1", "version: 2"));
        await waitFor("the reload", 5000, async () => (await echo(stack, "")).version === 2);
        assert.equal((await slow).pid, before.pid);
        await waitFor("the end of the old process", 5000, () => !isRunning(before.pid));
      },
    );

    await t.step("an early answer waits until the body in flight has arrived and was read", async () => {
      const connection = await Deno.connect({
        hostname: "127.0.0.1",
        port: Number(new URL(stack.apiUrl).port),
      });
      const read = connection.read(new Uint8Array(1024)).catch(() => null);
      const head = "POST /functions/v1/echo/early HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n";
      await connection.write(new TextEncoder().encode(`${head}abc`));
      const timeout = new Promise((resolve) => setTimeout(() => resolve("waiting"), 700));
      assert.equal(await Promise.race([read, timeout]), "waiting");
      connection.close();
      await read;
    });

    await t.step("an early answer to a large body that nobody reads leaves the client waiting", async () => {
      const aborter = new AbortController();
      const early = fetch(`${stack.apiUrl}/functions/v1/echo/early`, {
        method: "POST",
        body: new Uint8Array(16 * 1024 * 1024),
        signal: aborter.signal,
      });
      const answered = await answersWithin(early, 1500);
      aborter.abort();
      await early.then((response) => response.body?.cancel(), () => {});
      assert.equal(answered, false);
    });

    await t.step("stop leaves no process and no port, also with a request that never ends", async () => {
      const hanging = new AbortController();
      const endless = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new Uint8Array(8)),
      });
      const pending = fetch(`${stack.apiUrl}/functions/v1/echo/early`, {
        method: "POST",
        body: endless,
        signal: hanging.signal,
      }).then((response) => response.body?.cancel(), () => {});
      await echo(stack, "");
      const processes = descendantsOf(Deno.pid);
      assert.ok(processes.length >= 4);
      const before = performance.now();
      const stopped = stack.stop().then(() => true);
      const timeout = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 5000));
      const inTime = await Promise.race([stopped, timeout]);
      hanging.abort();
      await pending;
      await stopped;
      assert.ok(inTime, `stopping took ${Math.round(performance.now() - before)} ms`);
      assert.deepEqual(processes.filter(isRunning), []);
      assert.ok(isFree(Number(new URL(stack.apiUrl).port)));
    });
  } finally {
    await stack.stop();
    await Deno.remove(project.root, { recursive: true });
  }
});

interface Command {
  process: Deno.ChildProcess;
  port: number;
  dataDir: string;
}

/** Runs the command that people run, in a session of its own as in a terminal, until stack.json is there. */
async function runMain(dataDir: string, port: number): Promise<Command> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, "--port", String(port), "--data-dir", dataDir],
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  await waitFor("the start", 60_000, () => {
    try {
      return Deno.statSync(join(dataDir, "stack.json")).isFile;
    } catch {
      return false;
    }
  });
  return { process, port, dataDir };
}

/** Runs the command where it must refuse, and answers what it says. */
async function refusal(...args: string[]): Promise<string> {
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, ...args],
    stdin: "null",
  }).output();
  assert.equal(output.code, 1);
  const said = new TextDecoder().decode(output.stderr).trim();
  assert.doesNotMatch(said, /\n\s+at /, "a refusal is a sentence, not a stack trace");
  return said;
}

function anyPort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

Deno.test("the start command", async (t) => {
  const root = await Deno.makeTempDir({ prefix: "interlock-start-test-" });
  await Deno.chmod(root, 0o755);
  const dataDir = join(root, "data");
  let running = await runMain(dataDir, anyPort());
  try {
    await t.step("stack.json is for its owner alone", async () => {
      assert.equal((await Deno.stat(join(dataDir, "stack.json"))).mode! & 0o777, 0o600);
    });

    await t.step("a second stack on the same data folder is refused, naming the first", async () => {
      const said = await refusal("--data-dir", dataDir, "--port", String(anyPort()));
      assert.match(said, new RegExp(`in use.*${running.port}`));
      assert.match(said, /--data-dir/);
    });

    await t.step("a taken port is named, with the way out", async () => {
      const said = await refusal("--data-dir", join(root, "other"), "--port", String(running.port));
      assert.match(said, new RegExp(`${running.port}.*--port`));
    });

    await t.step("an unknown option, a bad port and an unknown plan are refused", async () => {
      assert.match(await refusal("--prot", "1"), /--prot/);
      assert.match(await refusal("--port", "many"), /--port/);
      assert.match(await refusal("--plan", "gold"), /--plan takes free or paid/);
    });

    await t.step("killed outright, it leaves no process, and starts again", async () => {
      const processes = descendantsOf(running.process.pid);
      assert.ok(processes.length >= 4);
      running.process.kill("SIGKILL");
      await running.process.status;
      await waitFor("the end of all processes", 10_000, () => !processes.some(isRunning));
      await Deno.remove(join(dataDir, "stack.json")).catch(() => {});
      running = await runMain(dataDir, running.port);
    });

    await t.step("the whole process group killed outright: the next start recovers", async () => {
      const processes = descendantsOf(running.process.pid);
      Deno.kill(-running.process.pid as number, "SIGKILL");
      await running.process.status;
      await Deno.remove(join(dataDir, "stack.json")).catch(() => {});
      running = await runMain(dataDir, running.port);
      await waitFor("the end of the old processes", 10_000, () => !processes.some(isRunning));
    });

    await t.step("Ctrl-C stops everything in order", async () => {
      const processes = descendantsOf(running.process.pid);
      const before = performance.now();
      // A terminal sends it to the whole process group.
      Deno.kill(-running.process.pid as number, "SIGINT");
      const status = await running.process.status;
      assert.equal(status.code, 0);
      assert.ok(performance.now() - before < 6000, "stopping took too long");
      assert.deepEqual(processes.filter(isRunning), []);
      assert.ok(isFree(running.port));
      await assert.rejects(Deno.stat(join(dataDir, "stack.json")));
      const log = await Deno.readTextFile(join(dataDir, "stack.log"));
      assert.doesNotMatch(log, /ended unasked/);
    });

    await t.step("a damaged data folder is named, with the way out", async () => {
      const version = [...walk(dataDir)].find((path) => path.endsWith("/data/PG_VERSION"));
      assert.ok(version);
      await Deno.remove(version);
      assert.match(await refusal("--data-dir", dataDir, "--port", String(anyPort())), /--fresh/);
    });
  } finally {
    try {
      running.process.kill("SIGTERM");
    } catch {
      // It has ended.
    }
    await running.process.status;
    await Deno.remove(root, { recursive: true });
  }
});

/** Files of a folder, two levels deep. */
function* walk(folder: string, depth = 3): Generator<string> {
  for (const entry of Deno.readDirSync(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory && depth > 0) yield* walk(path, depth - 1);
    else yield path;
  }
}
