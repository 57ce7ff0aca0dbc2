/** Functions that break one limit each. They run in a worker of the local stack. */
const HOG = `const kept: unknown[] = [];
addEventListener("beforeunload", (event) => console.log("heard " + (event as CustomEvent).detail.reason));
export default {
  async fetch(request: Request) {
    if (new URL(request.url).pathname === "/hog/heap") for (;;) kept.push(new Array(10_000).fill({}));
    for (let megabytes = 0; megabytes < Number(new URL(request.url).pathname.split("/")[2]); megabytes += 4) {
      kept.push(new Uint8Array(4 * 1024 * 1024).fill(1));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return Response.json({ pid: Deno.pid });
  },
};
`;

/** Burns CPU: /burner/<ms>, measured on its own process, in steps of 20 ms with a pause between them. */
const BURNER = `import process from "node:process";
addEventListener("beforeunload", (event) => console.log("heard " + (event as CustomEvent).detail.reason));
const usedMs = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
export async function burn(durationMs: number) {
  const untilMs = usedMs() + durationMs;
  while (usedMs() < untilMs) {
    const stepMs = usedMs() + 20;
    while (usedMs() < stepMs);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
export default {
  async fetch(request: Request) {
    const [, , durationMs, where] = new URL(request.url).pathname.split("/");
    const work = burn(Number(durationMs));
    // Longer than the moment that a worker gets which is asked to stop.
    const later = () => new Promise((resolve) => setTimeout(resolve, 2500)).then(() => console.log("worked behind"));
    if (where === "behind") EdgeRuntime.waitUntil(work.then(later));
    else await work;
    return Response.json({ pid: Deno.pid });
  },
};
`;

/** Spends 12 ms of CPU and says which request it handled. */
const COUNTER = `import { burn } from "../burner/index.ts";
export default {
  async fetch(request: Request) {
    await burn(12);
    console.log("handled " + request.headers.get("x-request-id"));
    return Response.json({ pid: Deno.pid });
  },
};
`;

const SLOW =
  `addEventListener("beforeunload", (event) => console.log("heard " + (event as CustomEvent).detail.reason));
export default {
  async fetch(request: Request) {
    const durationMs = Number(new URL(request.url).pathname.split("/")[2] ?? 0);
    await new Promise((resolve) => setTimeout(resolve, durationMs));
    return Response.json({ pid: Deno.pid });
  },
};
`;

const PAGE = `export default {
  fetch: (request: Request) =>
    new Response("<b>hello</b>", { headers: { "content-type": "text/html; charset=utf-8", "x-kept": request.method } }),
};
`;

/** /caller/<calls>/<function, page unless given>: calls it through the gateway; answers how many calls went well in all. */
const CALLER = `export default {
  async fetch(request: Request) {
    const [, , calls, where] = new URL(request.url).pathname.split("/");
    let answered = 0;
    try {
      for (let call = 0; call < Number(calls); call++) {
        const called = decodeURIComponent(where ?? "page");
        const response = await fetch(Deno.env.get("SUPABASE_URL") + "/functions/v1/" + called);
        const text = await response.text();
        if (response.ok) answered += 1 + (called === "page" ? 0 : JSON.parse(text).answered);
      }
    } catch (error) {
      const known = error instanceof Deno.errors.RateLimitError;
      return Response.json({ answered, refused: error.name, known, waitMs: error.retryAfterMs });
    }
    return Response.json({ answered });
  },
};
`;

/** Tries to connect to an address and port; answers the name of the error. */
const DIALLER = `export default {
  async fetch(request: Request) {
    const [, , hostname, port] = new URL(request.url).pathname.split("/");
    const dialled = Deno.connect({ hostname, port: Number(port) }).then((c) => (c.close(), "connected"), (e) => e.name);
    return new Response(await dialled);
  },
};
`;

/** Name of the function -> its index.ts. */
export const PROBES: Record<string, string> = {
  hog: HOG,
  burner: BURNER,
  counter: COUNTER,
  slow: SLOW,
  page: PAGE,
  caller: CALLER,
  dialler: DIALLER,
};
