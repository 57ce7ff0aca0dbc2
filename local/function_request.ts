/** Bodies up to this size are taken in whole before the function is asked. */
const WHOLE_BODY_BYTES = 1024 * 1024;

/** Carries the length of a streamed body to the function's process, where it becomes content-length again. */
export const STREAMED_LENGTH_HEADER = "x-interlock-streamed-length";

/** The function had not answered when its time was over. */
export class AnswerTimeout extends Error {
  override name = "AnswerTimeout";
}

/** The client stopped in the midst of its body. */
export class BodyBrokenOff extends Error {
  override name = "BodyBrokenOff";
}

/**
 * Sends a request on to a function's process and answers what it answers, but not before the request's body has
 * arrived: the hosted runtime was reported to withhold answers so, and a function that forgets to drain a refused body
 * shall fail here first. Gives up with the client, and after the platform's time limit. HTML comes back as plain text.
 *
 * @throws {AnswerTimeout} after `timeoutMs` without an answer.
 * @throws {BodyBrokenOff} when the client ends before its body does.
 */
export async function forwardRequest(target: string, request: Request, timeoutMs: number): Promise<Response> {
  const stopped = new AbortController();
  const timer = setTimeout(
    () => stopped.abort(new AnswerTimeout(`No answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  let body: ForwardedBody | undefined;
  try {
    const signal = AbortSignal.any([request.signal, stopped.signal]);
    const headers = new Headers(request.headers);
    body = await takeBody(request, headers);
    const response = await fetch(target, {
      method: request.method,
      headers,
      body: body.content,
      redirect: "manual",
      signal,
    });
    await Promise.race([body.arrived, whenAborted(signal)]);
    return copyResponse(request, response);
  } catch (error) {
    throw body?.brokenOff() ? new BodyBrokenOff("The body ended early", { cause: error }) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** A body on its way, and when all of it has arrived. */
export interface ForwardedBody {
  content: BodyInit | null;
  arrived: Promise<void>;
  /** Whether its sender stopped in the midst of it. */
  brokenOff(): boolean;
}

const WHOLE = { arrived: Promise.resolve(), brokenOff: () => false };

/** Small bodies go in one piece, which keeps their length on the wire; large ones and those of unknown length flow. */
async function takeBody(request: Request, headers: Headers): Promise<ForwardedBody> {
  if (request.body === null) return { content: null, ...WHOLE };
  const declared = headers.get("content-length");
  if (declared !== null && Number(declared) <= WHOLE_BODY_BYTES) {
    const content = await request.bytes().catch((cause) => {
      throw new BodyBrokenOff("The body ended early", { cause });
    });
    return { content, ...WHOLE };
  }
  if (declared !== null) headers.set(STREAMED_LENGTH_HEADER, declared);
  return trackBody(request.body);
}

/** A body stream that tells when its last byte was taken. */
export function trackBody(body: ReadableStream<Uint8Array>): ForwardedBody {
  const done = Promise.withResolvers<void>();
  const reader = body.getReader();
  let broken = false;
  const content = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = await reader.read().catch((error) => {
        broken = true;
        throw error;
      });
      if (!chunk.done) return controller.enqueue(chunk.value);
      controller.close();
      done.resolve();
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  return { content, arrived: done.promise, brokenOff: () => broken };
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/**
 * fetch has decompressed the body already, so what described the compressed one goes. The platform's default domain serves
 * no pages: HTML in answer to GET is declared plain text.
 */
function copyResponse(request: Request, response: Response): Response {
  const headers = new Headers(response.headers);
  if (headers.has("content-encoding")) {
    headers.delete("content-encoding");
    headers.delete("content-length");
  }
  const type = headers.get("content-type");
  if (request.method === "GET" && type !== null) {
    headers.set("content-type", type.replace(/^text\/html/i, "text/plain"));
  }
  return new Response(response.body, { status: response.status, headers });
}
