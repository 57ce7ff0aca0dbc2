import assert from "node:assert/strict";
import { createEgressClient } from "../../supabase/functions/_shared/guardrails/egress/egress_client.ts";
import { type Attempted, withLoneWorker } from "../support/lone_worker.ts";
import { type RawConnection, rawServer } from "../support/raw_server.ts";

const HOUR_MS = 3_600_000;
const EMPTY = "content-length: 0\r\n\r\n";
const httpDate = (atMs: number) => new Date(atMs).toUTCString();
const trueNowMs = Date.now;

/** What the endpoint does at one attempt, and the wait in seconds that must follow. */
interface Step {
  does: string;
  say?: () => string;
  errorClass: string | null;
  statusCode: number | null;
  waitSeconds: [number, number];
}

const answer = (status: number, headers = "") => `HTTP/1.1 ${status} X\r\n${headers}${EMPTY}`;

/** Steps of a delivery's life, in order: the wait without another reason doubles with every failure. */
const LIFE: Step[] = [
  {
    does: "fails",
    say: () => answer(500),
    errorClass: "server_error",
    statusCode: 500,
    waitSeconds: [5, 10],
  },
  {
    does: "has too many requests and says for how long",
    say: () => answer(429, "retry-after: 90\r\n"),
    ...{ errorClass: "rate_limited", statusCode: 429, waitSeconds: [90, 90] },
  },
  {
    does: "is away until an instant by its own clock",
    say: () => {
      const theirNowMs = trueNowMs() + 5 * HOUR_MS;
      return answer(
        503,
        `date: ${httpDate(theirNowMs)}\r\nretry-after: ${httpDate(theirNowMs + 120_000)}\r\n`,
      );
    },
    ...{ errorClass: "server_error", statusCode: 503, waitSeconds: [120, 120] },
  },
  {
    does: "is away until next year",
    say: () => answer(503, `retry-after: ${httpDate(trueNowMs() + 365 * 24 * HOUR_MS)}\r\n`),
    ...{ errorClass: "server_error", statusCode: 503, waitSeconds: [86_400, 86_400] },
  },
  {
    does: "is away until something unreadable",
    say: () => answer(503, "retry-after: -1\r\n"),
    ...{ errorClass: "server_error", statusCode: 503, waitSeconds: [80, 160] },
  },
  {
    does: "hangs up",
    say: () => "",
    errorClass: "connection_lost",
    statusCode: null,
    waitSeconds: [160, 320],
  },
  {
    does: "redirects",
    say: () => answer(302, "location: /\r\n"),
    errorClass: "redirected",
    statusCode: 302,
    waitSeconds: [320, 640],
  },
  {
    does: "does not know the way",
    say: () => answer(404),
    errorClass: "client_error",
    statusCode: 404,
    waitSeconds: [640, 1280],
  },
  {
    does: "babbles",
    say: () => "SSH-2.0-x\r\n",
    errorClass: "protocol_error",
    statusCode: null,
    waitSeconds: [1280, 2560],
  },
  {
    does: "stays bad",
    say: () => answer(500),
    errorClass: "server_error",
    statusCode: 500,
    waitSeconds: [1800, 3600],
  },
  {
    does: "stays worse",
    say: () => answer(500),
    errorClass: "server_error",
    statusCode: 500,
    waitSeconds: [1800, 3600],
  },
];

/** Each is the first failure of a delivery of its own, where a slow-down shows. */
const OVERLOADED: Step[] = [
  {
    does: "is a gateway to nothing",
    say: () => answer(502),
    errorClass: "server_error",
    statusCode: 502,
    waitSeconds: [60, 90],
  },
  {
    does: "is a gateway to something slow",
    say: () => answer(504),
    errorClass: "server_error",
    statusCode: 504,
    waitSeconds: [60, 90],
  },
  {
    does: "has too many requests",
    say: () => answer(429),
    errorClass: "rate_limited",
    statusCode: 429,
    waitSeconds: [60, 90],
  },
  { does: "does not answer in time", errorClass: "timed_out", statusCode: null, waitSeconds: [60, 90] },
];

function assertStep(step: Step, attempted: Attempted): void {
  const { errorClass, statusCode, waitSeconds: [shortest, longest] } = step;
  assert.deepEqual([attempted.errorClass, attempted.statusCode], [errorClass, statusCode], step.does);
  const [least, most] = attempted.waitMs;
  const said = `${step.does}: the wait is between ${least} and ${most} ms`;
  assert.ok(most >= shortest * 1000 && least <= longest * 1000, said);
}

/** An endpoint that does one step after the other. */
function scripted() {
  let step: Step | undefined;
  const server = rawServer(async ({ readRequest, write, socket }: RawConnection) => {
    while (await readRequest() !== null) {
      if (!step?.say) return void await socket.read(new Uint8Array(1));
      const said = step.say();
      await write(said);
      if (!said.endsWith("\r\n\r\n")) return;
    }
  });
  return { server, play: (next: Step) => void (step = next) };
}

async function liveThrough(workerClockMs: number, timeZone: string): Promise<void> {
  const { server, play } = scripted();
  const client = createEgressClient({ ports: [443], allowLocal: true });
  const config = { webhook_url: `http://127.0.0.1:${server.port}/`, max_attempts: 20, timeout_ms: 1000 };
  Date.now = () => trueNowMs() + workerClockMs;
  try {
    await withLoneWorker({ send: client.sendRequest, config }, async ({ sql, produce, attempt }) => {
      await sql.unsafe(`alter database ${sql.options.database} set timezone to '${timeZone}'`);
      for (const step of OVERLOADED) {
        await produce();
        play(step);
        assertStep(step, await attempt());
        await sql`delete from private.delivery_queue`;
      }
      await produce();
      for (const step of LIFE) {
        play(step);
        assertStep(step, await attempt());
      }
      play({
        does: "is gone",
        say: () => answer(410),
        errorClass: "gone",
        statusCode: 410,
        waitSeconds: [0, 0],
      });
      const gone = await attempt();
      assert.deepEqual([gone.status, gone.errorClass], ["discarded", "gone"]);
      const [integration] =
        await sql`select is_enabled, disabled_reason from public.guardian_meta_integrations`;
      assert.deepEqual({ ...integration }, { is_enabled: false, disabled_reason: "gone" });
    });
  } finally {
    Date.now = trueNowMs;
    client.close();
    await server.close();
  }
}

/** Without the endpoint's own clock, a date is all that the worker's clock decides. */
const WORKERS = [
  ["right", 0, "UTC"],
  ["an hour behind", -HOUR_MS, "America/New_York"],
  ["an hour ahead", HOUR_MS, "Australia/Lord_Howe"],
] as const;

for (const [clock, workerClockMs, timeZone] of WORKERS) {
  Deno.test({
    name:
      `every next attempt is when the rules say, where the worker's clock is ${clock} and the database's zone ${timeZone}`,
    fn: () => liveThrough(workerClockMs, timeZone),
    sanitizeOps: false,
    sanitizeResources: false,
  });
}
