import type { EgressResponse } from "../../guardrails/egress/egress.ts";
import { withValidSecrets } from "../connection.ts";
import type { ProviderError } from "../provider_error.ts";
import type { PlainJson } from "../source.ts";
import { exceptionError } from "./exceptions.ts";
import type { OdooConnection } from "./settings.ts";
import { httpFailure, malformed, servedAtMs, textOf, type Transport } from "./transport.ts";

/** JSON-2, which servers speak since 19: named arguments, a bearer, and status codes that mean something. */
export function json2Transport(connection: OdooConnection): Transport {
  const { url, database } = connection.config;
  return (model, method, named) =>
    withValidSecrets(connection, async ({ api_key }) => {
      const response = await connection.send({
        url: `${url}/json/2/${model}/${method}`,
        method: "POST",
        headers: {
          authorization: `bearer ${api_key}`,
          "content-type": "application/json; charset=utf-8",
          ...(database === undefined ? {} : { "x-odoo-database": database }),
        },
        body: new TextEncoder().encode(JSON.stringify(named)),
      });
      const failure = failureOf(response, model);
      if (failure) throw failure;
      return { value: parsed(response), servedAtMs: servedAtMs(response) };
    });
}

/** Odoo tells its exceptions as objects; what does not come as one is none of its own. */
function failureOf(response: EgressResponse, model: string): ProviderError | null {
  const byStatus = httpFailure(response);
  if (response.status < 400 || response.status === 429) return byStatus;
  const { name, message } = exceptionIn(response);
  return name === null ? byStatus : exceptionError({ name, message }, model);
}

function exceptionIn({ body }: EgressResponse): { name: string | null; message: string } {
  try {
    const { name, message } = JSON.parse(new TextDecoder().decode(body));
    return {
      name: typeof name === "string" ? name : null,
      message: typeof message === "string" ? message : "",
    };
  } catch {
    return { name: null, message: "" };
  }
}

function parsed(response: EgressResponse): PlainJson {
  const text = textOf(response);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw malformed(cause);
  }
}
