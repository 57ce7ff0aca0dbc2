// deno-lint-ignore-file no-console -- standard output is how a worker speaks to the stack
/**
 * The process one edge function runs in: gives it the globals of the platform, serves its default export on a free
 * loopback port, and ends with its parent. Started by functions.ts with the function's index.ts as its only argument.
 *
 * @module
 */
import { followCallChains } from "./call_chain.ts";
import { FAULT_CONTROL_VARIABLE, installFaultHook } from "./fault_hook.ts";
import { STREAMED_LENGTH_HEADER, trackBody } from "./function_request.ts";

const SHUTDOWN_GRACE_MS = 2000;
const pending = new Set<Promise<unknown>>();

Object.assign(globalThis, {
  EdgeRuntime: {
    waitUntil(work: Promise<unknown>): void {
      const settled = Promise.resolve(work).catch((error) => console.error("waitUntil:", error)).finally(() =>
        pending.delete(settled)
      );
      pending.add(settled);
    },
  },
});

const inChain = followCallChains(`${Deno.env.get("SUPABASE_URL")}/functions/v1/`);
const faultControlUrl = Deno.env.get(FAULT_CONTROL_VARIABLE);
if (faultControlUrl) installFaultHook(faultControlUrl);

const [entrypoint] = Deno.args;
if (!entrypoint) throw new TypeError("Name the function's index.ts");
const loaded = await import(entrypoint) as {
  default?: { fetch?: (request: Request) => Promise<Response> | Response };
};
const handler = loaded.default?.fetch;
if (typeof handler !== "function") throw new TypeError("A function's default export is { fetch }");

/** As much of a body as the platform would take in without the function reading it. */
const UNREAD_BODY_BYTES = 64 * 1024;

/**
 * Answers by the function, but holds the answer back while a large body is not read to its end: the hosted runtime was
 * reported to do so. Such a client waits until it gives up, or the gateway does.
 */
async function answer(incoming: Request): Promise<Response> {
  const request = withDeclaredLength(incoming);
  const declared = request.headers.get("content-length");
  if (request.body === null || (declared !== null && Number(declared) <= UNREAD_BODY_BYTES)) {
    return await handler!.call(loaded.default, request);
  }
  const body = trackBody(request.body);
  const response = await handler!.call(loaded.default, new Request(request, { body: body.content }));
  const abandoned = new Promise((resolve) =>
    incoming.signal.addEventListener("abort", resolve, { once: true })
  );
  await Promise.race([body.arrived, abandoned]);
  return response;
}

/** A streamed body loses its content-length on the way here; the gateway sends it along. */
function withDeclaredLength(request: Request): Request {
  const declared = request.headers.get(STREAMED_LENGTH_HEADER);
  if (declared === null) return request;
  const headers = new Headers(request.headers);
  headers.delete(STREAMED_LENGTH_HEADER);
  headers.delete("transfer-encoding");
  headers.set("content-length", declared);
  return new Request(request, { headers });
}

const server = Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(`LISTENING ${port}`),
}, (request) => inChain(request, () => answer(request)));

let shutdown: Promise<void> | undefined;
/** Resolves once every answer has been sent to its end. */
function allAnswered(): Promise<void> {
  return shutdown ??= server.shutdown();
}

function announceEnd(reason: string): void {
  globalThis.dispatchEvent(new CustomEvent("beforeunload", { detail: { reason } }));
}

let stopping = false;
/** Announces the end, gives what runs a last moment, and ends. */
async function stop(reason: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  announceEnd(reason);
  const grace = new Promise((resolve) => setTimeout(resolve, SHUTDOWN_GRACE_MS));
  await Promise.race([Promise.all([allAnswered(), ...pending]), grace]);
  Deno.exit(0);
}
Deno.addSignalListener("SIGTERM", () => void stop("termination"));
Deno.addSignalListener("SIGINT", () => {});

/** No request comes any more: ends once answers and background work are done, however long they take. */
async function leave(): Promise<void> {
  await allAnswered();
  while (pending.size > 0) await Promise.all(pending);
  await stop("early_drop");
}

// The parent says here what is coming. It holds the other end: when it is gone, however it went, so are we.
let unread = "";
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (unread + text).split("\n");
  unread = lines.pop() ?? "";
  for (const line of lines) {
    const [order, reason] = line.split(" ");
    if (order === "beforeunload") announceEnd(reason ?? "");
    if (order === "leave") void leave();
  }
}
Deno.exit(0);
