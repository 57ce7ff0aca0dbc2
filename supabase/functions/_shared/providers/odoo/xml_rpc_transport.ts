import { withValidSecrets } from "../connection.ts";
import { ProviderError } from "../provider_error.ts";
import type { PlainJson } from "../source.ts";
import { exceptionError, faultException, keyRefused } from "./exceptions.ts";
import type { OdooConnection, OdooSecrets } from "./settings.ts";
import { type Answer, httpFailure, malformed, servedAtMs, textOf } from "./transport.ts";
import { type Transport, type Version, versionOf } from "./transport.ts";
import { methodCall, methodResponse, XmlRpcFault } from "./xml_rpc.ts";

/** XML-RPC, and the number of the user who speaks. */
export interface XmlRpcTransport {
  call: Transport;
  /** null = nobody has spoken yet. */
  user(): number | null;
}

/**
 * XML-RPC, which servers speak up to 21: every call carries database, user and key. The user's number is asked for once,
 * and again for other credentials.
 *
 * @param knownUser - the number of the user of the credentials that come first; null = it is asked for.
 */
export function xmlRpcTransport(connection: OdooConnection, knownUser: number | null): XmlRpcTransport {
  const database = databaseOf(connection);
  const users = new Map<string, Promise<number>>();
  let user = knownUser;
  const userOf = (secrets: OdooSecrets) => {
    const { login, api_key } = secrets;
    const slot = JSON.stringify([login, api_key]);
    const isKnown = knownUser !== null && users.size === 0;
    const known = users.get(slot) ??
      (isKnown ? Promise.resolve(knownUser) : authenticate(connection, database, secrets));
    users.set(slot, known);
    known.catch(() => users.delete(slot));
    return known;
  };
  return {
    call: (model, method, named) =>
      withValidSecrets(connection, async (secrets) => {
        user = await userOf(secrets);
        const { domain, ...keywords } = named;
        const positional = domain === undefined ? [] : [domain];
        const params = [database, user, secrets.api_key, model, method, positional, keywords];
        return await post(connection, "object", "execute_kw", params, model);
      }),
    user: () => user,
  };
}

function databaseOf({ config }: OdooConnection): string {
  if (config.database !== undefined) return config.database;
  throw new ProviderError(
    "misconfigured",
    "This Odoo speaks XML-RPC, which needs the name of the database; add database to the settings.",
  );
}

/** Bad credentials are no fault: the answer is false. */
async function authenticate(
  connection: OdooConnection,
  database: string,
  { login, api_key }: OdooSecrets,
): Promise<number> {
  if (login === undefined) {
    throw new ProviderError(
      "misconfigured",
      "This Odoo speaks XML-RPC, which needs the login of the API key's user; add login to the credentials.",
    );
  }
  const { value } = await post(
    connection,
    "common",
    "authenticate",
    [database, login, api_key, {}],
    "res.users",
  );
  if (value === false) throw keyRefused("AccessDenied");
  if (typeof value !== "number") throw malformed();
  return value;
}

/**
 * The version of a server that has no page for it.
 *
 * @throws {ProviderError}
 */
export async function serverVersion(connection: OdooConnection): Promise<Version> {
  const { value } = await post(connection, "common", "version", [], "common");
  const { server_version } = (value ?? {}) as { server_version?: PlainJson };
  const version = versionOf(server_version);
  if (version === null) throw malformed();
  return version;
}

async function post(
  connection: OdooConnection,
  service: "common" | "object",
  methodName: string,
  params: PlainJson[],
  model: string,
): Promise<Answer> {
  const response = await connection.send({
    url: `${connection.config.url}/xmlrpc/2/${service}`,
    method: "POST",
    headers: { "content-type": "text/xml" },
    body: methodCall(methodName, params),
  });
  const failure = httpFailure(response);
  if (failure) throw failure;
  const text = textOf(response);
  try {
    return { value: methodResponse(text), servedAtMs: servedAtMs(response) };
  } catch (error) {
    if (!(error instanceof XmlRpcFault)) throw malformed(error);
    throw exceptionError(faultException(error.faultCode, error.faultString), model);
  }
}
