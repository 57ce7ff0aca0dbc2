/** What a simulator does instead of answering well. */
export type Fault =
  /** An answer of its own, for example a 503 or the provider's way of saying "too often". */
  | { kind: "answer"; response: () => Response }
  /** Well, but so late. */
  | { kind: "stall"; durationMs: number }
  /** The connection breaks in the middle of the answer. */
  | { kind: "hang_up" }
  /** 200, and then half of what it would have said. */
  | { kind: "cut" };

/**
 * Faults by request: every simulator asks here before it answers, so that a test can let any request fail, for example
 * each page in turn.
 */
export class Faults {
  readonly #planned = new Map<number, Fault>();
  #requests = 0;

  /** Requests that came, whatever became of them. */
  get requests(): number {
    return this.#requests;
  }

  /** The nth request from now on meets this; 1 = the next one. */
  plan(nth: number, fault: Fault): void {
    this.#planned.set(this.#requests + nth, fault);
  }

  /** The next requests meet these, one each. */
  planNext(...faults: Fault[]): void {
    faults.forEach((fault, index) => this.plan(index + 1, fault));
  }

  /** Nothing planned any more. */
  clear(): void {
    this.#planned.clear();
  }

  /** Counts a request and answers it: well, or as planned. */
  async meet(
    request: Request,
    answer: (request: Request) => Response | Promise<Response>,
  ): Promise<Response> {
    this.#requests++;
    const fault = this.#planned.get(this.#requests);
    this.#planned.delete(this.#requests);
    switch (fault?.kind) {
      case undefined:
        return await answer(request);
      case "answer":
        return fault.response();
      case "stall":
        await new Promise((resolve) => setTimeout(resolve, fault.durationMs));
        return await answer(request);
      case "hang_up":
        return brokenOff(await answer(request));
      case "cut": {
        const whole = await answer(request);
        const text = await whole.text();
        const headers = new Headers(whole.headers);
        headers.delete("content-length");
        return new Response(text.slice(0, Math.floor(text.length / 2)), { status: whole.status, headers });
      }
    }
  }
}

/** An answer whose connection breaks before its end. */
async function brokenOff(whole: Response): Promise<Response> {
  const bytes = new Uint8Array(await whole.arrayBuffer());
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(bytes.slice(0, Math.ceil(bytes.length / 2)));
      setTimeout(() => controller.error(new Error("The simulator hangs up")), 5);
    },
  });
  return new Response(body, { status: whole.status, headers: { "content-type": "application/json" } });
}
