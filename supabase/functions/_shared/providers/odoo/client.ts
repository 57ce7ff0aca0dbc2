import { ProviderError } from "../provider_error.ts";
import { json2Transport } from "./json_2_transport.ts";
import type { Learnt } from "./learnt.ts";
import type { OdooConnection } from "./settings.ts";
import { httpFailure, malformed, type Transport, type Version, versionOf } from "./transport.ts";

/** An Odoo that can be asked, whatever it speaks. */
export interface OdooClient {
  version: Version;
  protocol: Learnt["protocol"];
  /** Calls a method. */
  call: Transport;
  /** Which of these fields a model has for this user; asked once. */
  fieldsOf(model: string, wanted: readonly string[]): Promise<ReadonlySet<string>>;
  /** What is known of the server by now. */
  learnt(): Learnt;
  /** Whether it stands on what an earlier slice learnt, which may not hold any more. */
  isRemembered: boolean;
}

/** Clients by connection: streams of one slice share what is known of the server. */
const clients = new WeakMap<OdooConnection, Promise<OdooClient>>();

/**
 * The client of a connection: the server's version decides what is spoken, unless the settings do.
 *
 * @param learnt - what an earlier slice of the run learnt: nothing of it is asked again.
 * @throws {ProviderError}
 */
export function clientOf(connection: OdooConnection, learnt?: Learnt): Promise<OdooClient> {
  return clients.get(connection) ?? keep(connection, open(connection, learnt));
}

/**
 * A client that stands on nothing learnt before.
 *
 * @throws {ProviderError}
 */
export function newClientOf(connection: OdooConnection): Promise<OdooClient> {
  return keep(connection, open(connection));
}

function keep(connection: OdooConnection, opening: Promise<OdooClient>): Promise<OdooClient> {
  clients.set(connection, opening);
  opening.catch(() => clients.delete(connection));
  return opening;
}

async function open(connection: OdooConnection, learnt?: Learnt): Promise<OdooClient> {
  const { protocol } = connection.config;
  const known = learnt && versionOf(learnt.version);
  if (learnt && known && (protocol === "auto" || protocol === learnt.protocol)) {
    const over = learnt.protocol === "json_2" ? overJson2 : overXmlRpc;
    return await over(connection, known, learnt);
  }
  const told = protocol === "xml_rpc" ? null : await toldVersion(connection);
  if (told !== null && told.major >= 19) return overJson2(connection, told);
  if (protocol === "json_2") {
    throw new ProviderError(
      "misconfigured",
      "This server does not speak JSON-2, which came with Odoo 19; check the address, or set protocol to auto.",
    );
  }
  return await overXmlRpc(connection, told);
}

function overJson2(connection: OdooConnection, version: Version, learnt?: Learnt): OdooClient {
  return client(version, "json_2", { call: json2Transport(connection), user: () => null }, learnt);
}

/** @param told - null = the server has to be asked for its version. */
async function overXmlRpc(
  connection: OdooConnection,
  told: Version | null,
  learnt?: Learnt,
): Promise<OdooClient> {
  // The XML of it costs a boot some milliseconds that no user of JSON-2 has to pay.
  const { serverVersion, xmlRpcTransport } = await import("./xml_rpc_transport.ts");
  const version = told ?? await serverVersion(connection);
  return client(version, "xml_rpc", xmlRpcTransport(connection, learnt?.user ?? null), learnt);
}

function client(
  version: Version,
  protocol: Learnt["protocol"],
  { call, user }: { call: Transport; user: () => number | null },
  learnt?: Learnt,
): OdooClient {
  const lacks = { ...learnt?.lacks };
  return {
    version,
    protocol,
    call,
    async fieldsOf(model, wanted) {
      const missing = lacks[model] ??= await missingOf(call, model, wanted);
      return new Set(wanted.filter((name) => !missing.includes(name)));
    },
    learnt: () => ({ version: version.text, protocol, user: user(), lacks: { ...lacks } }),
    isRemembered: learnt !== undefined,
  };
}

async function missingOf(call: Transport, model: string, wanted: readonly string[]): Promise<string[]> {
  const { value } = await call(model, "fields_get", { allfields: [...wanted], attributes: ["type"] });
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed();
  return wanted.filter((name) => !Object.hasOwn(value, name));
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
