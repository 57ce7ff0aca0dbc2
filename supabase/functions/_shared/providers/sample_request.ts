import { utf8Bytes } from "../crypto/encoding.ts";
import type { SampleRequest } from "./webhook_scheme.ts";

/** A JSON request to be signed; what it says of itself is new each time. */
export function jsonSample(
  url: string,
  content: unknown,
  headers: Record<string, string> = {},
): SampleRequest {
  return {
    method: "POST",
    url,
    headers: { "content-type": "application/json", ...headers },
    body: utf8Bytes(JSON.stringify(content)),
  };
}

/** The same request with further headers, usually its signature. */
export function withHeaders(sample: SampleRequest, headers: Record<string, string>): SampleRequest {
  return { ...sample, headers: { ...sample.headers, ...headers } };
}
