import { Faults } from "../faults.ts";
import { Access, type User } from "./access.ts";
import { Database } from "./database.ts";
import { OdooException } from "./exceptions.ts";
import { answerJson2, answerJsonRpc, answerXmlRpc, type Server } from "./wires.ts";

/** Which Odoo. */
export interface OdooOptions {
  /** 17 and 18 speak XML-RPC and JSON-RPC; 19 and newer JSON-2 as well. */
  major?: number;
  databaseName?: string;
  /** 0 or left out = any free port. */
  port?: number;
  /** Where the clock stands still until it is moved; left out = it is the real time. */
  nowMs?: number;
}

/** A running Odoo. */
export interface OdooSimulator {
  url: string;
  databaseName: string;
  /** Further databases on the same host; while there are some, JSON-2 wants to be told which one. */
  otherDatabases: string[];
  /** The next call of a method fails with this exception, by Python's name for it. */
  failNext(pythonName: string, message: string): void;
  database: Database;
  access: Access;
  faults: Faults;
  /** Method and path of each request, and model.method of a call, as they came. */
  requests: string[];
  /** The server's clock, in milliseconds; everything it dates follows it. */
  clock: { nowMs: number | null; advance(durationMs: number): void };
  addUser(user: Partial<User> & { login: string }): User;
  stop(): Promise<void>;
}

/**
 * Plays an Odoo with its employees: XML-RPC, JSON-RPC and, from 19 on, JSON-2 over one database. It keeps microseconds and
 * tells seconds, orders and filters by what it keeps, and hides archived records from whoever does not ask for them.
 */
export function startOdoo(options: OdooOptions = {}): OdooSimulator {
  const { major = 17, databaseName = "acme" } = options;
  const otherDatabases: string[] = [];
  const clock = newClock(options.nowMs ?? null);
  const database = new Database(major, () => clock.micros());
  const access = new Access(database, () => clock.now());
  const server: Server = { version: `${major}.0`, major, databaseName, otherDatabases, access };
  const faults = new Faults();
  const requests: string[] = [];
  database.create("res.company", { name: "Acme" });
  const running = Deno.serve(
    { hostname: "127.0.0.1", port: options.port ?? 0, onListen: () => {} },
    async (request) => {
      const response = await faults.meet(request, (one) => answer(server, one, requests));
      const headers = new Headers(response.headers);
      headers.set("date", new Date(clock.now()).toUTCString());
      return new Response(response.body, { status: response.status, headers });
    },
  );
  return {
    url: `http://127.0.0.1:${running.addr.port}`,
    ...{ databaseName, otherDatabases, database, access, faults, requests, clock },
    failNext: (name, message) => void access.failures.push(new OdooException(name, message, statusOf(name))),
    addUser: (user) => {
      const name = user.name ?? user.login;
      const id = user.id ?? database.create("res.users", { name, login: user.login });
      const whole: User = { password: crypto.randomUUID(), keys: [], rights: "hr", ...user, name, id };
      access.users.push(whole);
      return whole;
    },
    stop: () => running.shutdown(),
  };
}

/** The status that an exception class of Odoo carries; what has none is a failure of the server. */
function statusOf(pythonName: string): number {
  return pythonName === "odoo.exceptions.UserError" ? 422 : 500;
}

/** The server's clock; every instant is later than the one before. */
function newClock(nowMs: number | null) {
  let last = 0;
  return {
    nowMs,
    advance(durationMs: number) {
      this.nowMs = this.now() + durationMs;
    },
    now(): number {
      return this.nowMs ?? Date.now();
    },
    micros(): number {
      const fraction = this.nowMs === null ? Math.floor(Math.random() * 1000) : 0;
      last = Math.max(last + 1, this.now() * 1000 + fraction);
      return last;
    },
  };
}

async function answer(server: Server, request: Request, requests: string[]): Promise<Response> {
  const path = new URL(request.url).pathname;
  const body = await request.text();
  const called = /<string>([a-z_.]+)<\/string><\/value><\/param><param><value><string>([a-z_]+)</.exec(body);
  requests.push(`${request.method} ${path}${called ? ` ${called[1]}.${called[2]}` : ""}`);
  const service = /^\/xmlrpc\/2\/(common|object)$/.exec(path)?.[1];
  if (service !== undefined && request.method === "POST") return answerXmlRpc(server, service, body);
  if (server.major >= 19) {
    if (path === "/web/version") {
      const version_info = [server.major, 0, 0, "final", 0, ""];
      return Response.json({ version_info, version: server.version });
    }
    if (path.startsWith("/json/2/")) return answerJson2(server, request, path, body);
  }
  if (
    ["/jsonrpc", "/web/webclient/version_info", "/web/session/authenticate"].includes(path) &&
    request.method === "POST"
  ) {
    return answerJsonRpc(server, path, body).response;
  }
  return new Response("<!doctype html>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n", {
    status: 404,
    headers: { "content-type": "text/html; charset=utf-8" },
  });
}
