import { systemClock } from "../../clock.ts";
import { environment } from "../../env.ts";
import { type Connection, withValidSecrets } from "../connection.ts";
import { ProviderError } from "../provider_error.ts";
import { errorOf, nameOf } from "./errors.ts";
import type { GoogleConfig, GoogleGrant, GoogleService } from "./settings.ts";

/** A connected Google account. */
export type GoogleConnection = Connection<GoogleConfig, GoogleGrant>;

/** Where each service is. https://developers.google.com/workspace, and `rootUrl` in Google's own packages. */
const HOSTS: Readonly<Record<GoogleService, string>> = {
  drive: "https://www.googleapis.com",
  gmail: "https://gmail.googleapis.com",
  calendar: "https://www.googleapis.com",
};
const VERSIONS: Readonly<Record<GoogleService, string>> = { drive: "v3", gmail: "v1", calendar: "v3" };

/** Parameters of a request by Google's names; those that are undefined are left out, an array is sent once per item. */
export type GoogleParameters = object;

/**
 * Reads from one of Google's services, with a newer access token when the first is refused.
 *
 * The types of parameters and answers are those of Google's own packages; docs/adr/0011 says why their code is not used.
 *
 * @param path - below the version, for example "/files"; identifiers in it must be encoded.
 * @throws {ProviderError}
 */
export async function googleGet<Answer>(
  connection: GoogleConnection,
  service: GoogleService,
  path: string,
  parameters: GoogleParameters,
): Promise<Answer> {
  const query = queryOf(parameters);
  const base = environment().INTERLOCK_GOOGLE_API_URL?.replace(/\/+$/, "") ?? HOSTS[service];
  const url = `${base}/${service}/${VERSIONS[service]}${path}${query.size === 0 ? "" : `?${query}`}`;
  const hasToken = query.has("pageToken") || query.has("syncToken");
  return await withValidSecrets(connection, async (grant) => {
    const response = await connection.send({
      url,
      method: "GET",
      headers: { authorization: `Bearer ${grant.access_token}`, accept: "application/json" },
    });
    if (response.status !== 200) throw errorOf({ service, hasToken }, response, systemClock.nowMs());
    return parsed<Answer>(service, response.body);
  });
}

/** The error of an answer that is not what Google documents. */
export function malformed(service: GoogleService): ProviderError {
  return new ProviderError(
    "malformed_answer",
    `${nameOf(service)} answered with something that cannot be read.`,
  );
}

/** The field of an answer that must be there. @throws {ProviderError} malformed_answer */
export function required<Value>(service: GoogleService, value: Value | null | undefined): Value {
  if (value === null || value === undefined) throw malformed(service);
  return value;
}

/** The list in an answer; left out = an empty one. @throws {ProviderError} malformed_answer */
export function listed<Item>(service: GoogleService, items: Item[] | null | undefined): Item[] {
  if (items === null || items === undefined) return [];
  if (!Array.isArray(items) || items.some((item) => typeof item !== "object" || item === null)) {
    throw malformed(service);
  }
  return items;
}

/** An identifier that may be stored. @throws {ProviderError} malformed_answer */
export function identified(service: GoogleService, id: string | null | undefined): string {
  if (typeof id !== "string" || id.length < 1 || id.length > 200) throw malformed(service);
  return id;
}

/** Text cut to a length; null when there is none. */
export function shortened(text: string | null | undefined, maxChars: number): string | null {
  return typeof text === "string" ? text.slice(0, maxChars) : null;
}

function queryOf(parameters: GoogleParameters): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined || value === null) continue;
    for (const item of Array.isArray(value) ? value : [value]) query.append(name, String(item));
  }
  return query;
}

function parsed<Answer>(service: GoogleService, body: Uint8Array): Answer {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(body));
  } catch {
    throw malformed(service);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed(service);
  return value as Answer;
}
