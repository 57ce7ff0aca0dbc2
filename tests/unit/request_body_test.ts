import assert from "node:assert/strict";
import { isInterlockError } from "../../supabase/functions/_shared/errors/interlock_error.ts";
import { RequestBody } from "../../supabase/functions/_shared/http/request_body.ts";
import { withHubEnvironment } from "../support/hub_environment.ts";

const IDLE_MS = 400;
const TOTAL_MS = 1200;
withHubEnvironment({ INTERLOCK_BODY_IDLE_MS: String(IDLE_MS), INTERLOCK_BODY_TOTAL_MS: String(TOTAL_MS) });

const MEBIBYTE = 1024 * 1024;
const pause = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs));

/** A body that comes as its pieces do; `taken` counts the bytes that somebody wanted. */
function bodyOf(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  headers: Record<string, string> = {},
) {
  const seen = { taken: 0, cancelled: false };
  const iterator = Symbol.asyncIterator in pieces
    ? pieces[Symbol.asyncIterator]()
    : pieces[Symbol.iterator]();
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const piece = await iterator.next();
      if (piece.done) return controller.close();
      seen.taken += piece.value.length;
      controller.enqueue(piece.value);
    },
    cancel: () => {
      seen.cancelled = true;
    },
  }, { highWaterMark: 0 });
  const request = new Request("http://127.0.0.1/", { method: "POST", body: stream, headers });
  return { body: new RequestBody(request), seen };
}

async function refusal(reading: Promise<unknown>): Promise<string> {
  const error = await reading.then(() => null, (thrown) => thrown);
  assert.ok(isInterlockError(error), String(error));
  return error.code;
}

function* times(count: number, piece: Uint8Array): Generator<Uint8Array> {
  for (let index = 0; index < count; index++) yield piece;
}

Deno.test("BODY: whatever pieces it comes in, the bytes are those that were sent", async () => {
  const whole = crypto.getRandomValues(new Uint8Array(60_000));
  for (const size of [1000, 4096, 59_999, 60_000]) {
    const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, index) => {
      return whole.slice(index * size, (index + 1) * size);
    });
    const { body } = bodyOf(pieces);
    assert.deepEqual(await body.bytes(MEBIBYTE), whole);
    await body.drain();
  }
  assert.deepEqual(await bodyOf([]).body.bytes(MEBIBYTE), new Uint8Array());
  assert.deepEqual(
    await new RequestBody(new Request("http://127.0.0.1/")).bytes(MEBIBYTE),
    new Uint8Array(),
  );
});

Deno.test("BODY: the limit holds while streaming; a length that is said too large is believed at once", async () => {
  const piece = new Uint8Array(64 * 1024);
  for (const said of [undefined, "1", String(MEBIBYTE), "-1", "x", "9".repeat(30)]) {
    const { body, seen } = bodyOf(times(1000, piece), said === undefined ? {} : { "content-length": said });
    assert.equal(await refusal(body.bytes(MEBIBYTE)), "PAYLOAD_TOO_LARGE", String(said));
    assert.equal(seen.taken, MEBIBYTE + piece.length, "not a piece more than it takes to know");
    await body.drain();
    assert.equal(seen.taken, MEBIBYTE + piece.length + 8 * MEBIBYTE, "drained up to a limit of its own");
    assert.ok(seen.cancelled);
  }
  const { body, seen } = bodyOf(times(1000, piece), { "content-length": String(MEBIBYTE + 1) });
  assert.equal(await refusal(body.bytes(MEBIBYTE)), "PAYLOAD_TOO_LARGE");
  assert.equal(seen.taken, 0);
});

async function* drops(): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield new Uint8Array(1);
    await pause(IDLE_MS / 10);
  }
}

Deno.test("BODY: a sender that pauses for too long is not waited for, nor one that drips for ever", async () => {
  const stopped = bodyOf((async function* () {
    yield new Uint8Array(10);
    await new Promise(() => {});
  })());
  const dripping = bodyOf(drops());
  const late: string[] = [];
  const waitFor = async (what: string, { body }: typeof stopped) => {
    assert.equal(await refusal(body.bytes(MEBIBYTE)), "REQUEST_TIMEOUT");
    late.push(what);
  };
  const started = performance.now();
  await Promise.all([waitFor("dripping", dripping), waitFor("stopped", stopped)]);
  assert.deepEqual(late, ["stopped", "dripping"]);
  assert.ok(performance.now() - started >= TOTAL_MS - 1);
  assert.ok(dripping.seen.taken > 3 && dripping.seen.cancelled);
  assert.ok(stopped.seen.cancelled);
  await stopped.body.drain(); // Nothing left to wait for.

  const breathing = bodyOf((async function* () {
    for (let index = 0; index < 12; index++) {
      yield new Uint8Array(10);
      await pause(IDLE_MS / 8);
    }
  })());
  assert.equal((await breathing.body.bytes(MEBIBYTE)).length, 120);
});

Deno.test("BODY: single bytes without end are refused before they cost much", async () => {
  const { body, seen } = bodyOf(times(MEBIBYTE, new Uint8Array(1)));
  assert.equal(await refusal(body.bytes(MEBIBYTE)), "MALFORMED_BODY");
  await body.drain();
  assert.ok(seen.taken < 20_000, String(seen.taken));
});

Deno.test("BODY: open requests together hold 32 MiB at most, and what is answered is free again", async () => {
  const large = () => bodyOf(times(15, new Uint8Array(64 * 1024))).body;
  const outcomeOf = (body: RequestBody) =>
    body.bytes(MEBIBYTE).then(() => "taken", (error) => error.code as string);
  const open = Array.from({ length: 80 }, large);
  const outcomes = await Promise.all(open.map(outcomeOf));
  // A body that finds no room leaves what it had got to the others.
  assert.equal(outcomes.filter((outcome) => outcome === "taken").length, 34);
  assert.equal(outcomes.filter((outcome) => outcome === "UNAVAILABLE").length, 46);
  assert.equal(await outcomeOf(large()), "UNAVAILABLE");
  const answered = open[outcomes.indexOf("taken")]!;
  await answered.drain();
  await answered.drain(); // Lets go once.
  const next = large();
  assert.equal(await outcomeOf(next), "taken");
  assert.equal(await outcomeOf(large()), "UNAVAILABLE");
  await Promise.all([next, ...open].map((body) => body.drain()));
});

Deno.test("BODY: what is compressed is refused before a byte of it is read", async () => {
  for (
    const encoding of ["gzip", "deflate", "br", "zstd", "GZIP", "identity, gzip", "x-none", "gzip, gzip"]
  ) {
    const { body, seen } = bodyOf([new Uint8Array(10)], { "content-encoding": encoding });
    assert.equal(await refusal(body.bytes(MEBIBYTE)), "UNSUPPORTED_ENCODING", encoding);
    assert.equal(seen.taken, 0);
  }
  for (const encoding of ["identity", " Identity "]) {
    const { body } = bodyOf([new Uint8Array(10)], { "content-encoding": encoding });
    assert.equal((await body.bytes(MEBIBYTE)).length, 10);
  }
});

Deno.test("BODY: a sender that breaks off is told apart from one that is slow", async () => {
  const { body } = bodyOf((async function* () {
    yield new Uint8Array(10);
    await pause(1);
    throw new Error("reset");
  })());
  assert.equal(await refusal(body.bytes(MEBIBYTE)), "MALFORMED_BODY");
});
