import type { SampleRequest } from "../_shared/providers/webhook_scheme.ts";

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 4096;

/** What came back. status null = nothing did. */
interface Heard {
  status: number | null;
  answer: string | null;
  duration_ms: number;
}

/**
 * Calls ourselves as the provider would: by the public name, through everything that stands before the hub. The host is
 * the operator's setting and never a tenant's choice, so this may lead to an inner address, unlike all other calls.
 */
export async function callOurselves(sample: SampleRequest, requestId: string): Promise<Heard> {
  const started = performance.now();
  const durationMs = () => Math.round(performance.now() - started);
  try {
    const response = await fetch(sample.url, {
      method: sample.method,
      headers: { ...sample.headers, "x-request-id": requestId },
      body: sample.body,
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: response.status, answer: await beginningOf(response), duration_ms: durationMs() };
  } catch {
    return { status: null, answer: null, duration_ms: durationMs() };
  }
}

async function beginningOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk.subarray(0, MAX_ANSWER_BYTES - bytes), { stream: true });
    bytes += chunk.length;
    if (bytes >= MAX_ANSWER_BYTES) break;
  }
  return text;
}

/** What to look at when a sample was not stored. */
export function explained(status: number | null): string {
  if (status === null) {
    return `Nothing answered within ${TIMEOUT_MS} ms; see whether INTERLOCK_PUBLIC_URL leads to this hub.`;
  }
  if (status === 401) {
    return "The receiver refused it: see signing_url, and whether only certain addresses may send.";
  }
  if (status === 429) return "The receiver takes no more at the moment; try again when the limit allows.";
  if (status >= 200 && status < 300) {
    return "It verified, but nothing was stored: the webhook does not want this type.";
  }
  if (status >= 300 && status < 400) return "The public URL leads elsewhere; providers do not follow.";
  return "It was not taken; the answer says why, or what stands before the hub.";
}
