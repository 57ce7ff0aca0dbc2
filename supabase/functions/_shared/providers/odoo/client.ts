import { ProviderError } from "../provider_error.ts";
import { json2Transport } from "./json_2_transport.ts";
import type { OdooConnection } from "./settings.ts";
import { httpFailure, malformed, type Transport, type Version, versionOf } from "./transport.ts";

/** An Odoo that can be asked, whatever it speaks. */
export interface OdooClient {
  version: Version;
  protocol: "xml_rpc" | "json_2";
  /** Calls a method. */
  call: Transport;
  /** Which of these fields a model has for this user; asked once. */
  fieldsOf(model: string, wanted: readonly string[]): Promise<ReadonlySet<string>>;
}

/** Clients by connection: a slice asks for version, user and fields once, however many pages it reads. */
const clients = new WeakMap<OdooConnection, Promise<OdooClient>>();

/**
 * The client of a connection: the server's version decides what is spoken, unless the settings do.
 *
 * @throws {ProviderError}
 */
export function clientOf(connection: OdooConnection): Promise<OdooClient> {
  const known = clients.get(connection);
  if (known) return known;
  const opening = open(connection);
  clients.set(connection, opening);
  opening.catch(() => clients.delete(connection));
  return opening;
}

async function open(connection: OdooConnection): Promise<OdooClient> {
  const { protocol } = connection.config;
  const told = protocol === "xml_rpc" ? null : await toldVersion(connection);
  if (told !== null && told.major >= 19) return client(told, "json_2", json2Transport(connection));
  if (protocol === "json_2") {
    throw new ProviderError(
      "misconfigured",
      "This server does not speak JSON-2, which came with Odoo 19; check the address, or set protocol to auto.",
    );
  }
  // The XML of it costs a boot some milliseconds that no user of JSON-2 has to pay.
  const { serverVersion, xmlRpcTransport } = await import("./xml_rpc_transport.ts");
  return client(told ?? await serverVersion(connection), "xml_rpc", xmlRpcTransport(connection));
}

function client(version: Version, protocol: OdooClient["protocol"], call: Transport): OdooClient {
  const fields = new Map<string, Promise<ReadonlySet<string>>>();
  const ask = async (model: string, wanted: readonly string[]) => {
    const { value } = await call(model, "fields_get", { allfields: [...wanted], attributes: ["type"] });
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed();
    return new Set(wanted.filter((name) => Object.hasOwn(value, name)));
  };
  return {
    version,
    protocol,
    call,
    fieldsOf(model, wanted) {
      const known = fields.get(model) ?? ask(model, wanted);
      fields.set(model, known);
      known.catch(() => fields.delete(model));
      return known;
    },
  };
}

/** What GET /web/version says, which servers have since 19; null when there is no such page. */
async function toldVersion(connection: OdooConnection): Promise<Version | null> {
  const url = `${connection.config.url}/web/version`;
  const response = await connection.send({ url, method: "GET", headers: { accept: "application/json" } });
  if (response.status === 429 || response.status >= 500) throw httpFailure(response)!;
  if (response.status !== 200) return null;
  try {
    return versionOf(JSON.parse(new TextDecoder().decode(response.body)).version);
  } catch (cause) {
    throw malformed(cause);
  }
}
