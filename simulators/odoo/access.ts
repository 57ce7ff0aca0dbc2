import type { Database } from "./database.ts";
import { accessDenied, accessError, OdooException, userError } from "./exceptions.ts";
import { methods, type Named } from "./methods.ts";
import type { Told } from "./values.ts";

/** An API key; it stands where the password stands. */
export interface ApiKey {
  key: string;
  /** Milliseconds since 1970; null = never. From 19 on at most three months away. */
  expiresAtMs: number | null;
}

/** Who may log in. */
export interface User {
  id: number;
  name: string;
  login: string;
  password: string;
  keys: ApiKey[];
  /** "hr" reads everything here, "internal" not hr.version, "none" (a portal user) no model of employees. */
  rights: "hr" | "internal" | "none";
}

/** Users of one database, and what they may call. */
export class Access {
  readonly users: User[] = [];
  /** What the next calls fail with, one each. */
  readonly failures: OdooException[] = [];

  constructor(readonly database: Database, readonly nowMs: () => number) {}

  /** The id of whoever has this login and password or key; false when nobody has. */
  authenticate(login: unknown, credential: unknown): number | false {
    const user = this.users.find((one) => one.login === login);
    return user && this.#opens(user, credential) ? user.id : false;
  }

  /** The owner of a key, for bearers. */
  ownerOf(key: string): User | undefined {
    return this.users.find((user) => user.keys.some((one) => this.#isValid(one, key)));
  }

  /** The user of an id with a password or key. */
  user(uid: unknown, credential: unknown): User {
    const user = this.users.find((one) => one.id === uid);
    if (!user || !this.#opens(user, credential)) throw accessDenied();
    return user;
  }

  #opens(user: User, credential: unknown): boolean {
    return user.password === credential || user.keys.some((key) => this.#isValid(key, credential));
  }

  #isValid({ key, expiresAtMs }: ApiKey, credential: unknown): boolean {
    return key === credential && (expiresAtMs === null || expiresAtMs > this.nowMs());
  }

  /** Calls a method as a user. `positional` follows the parameters' order, ids first where it runs on records. */
  call(user: User, model: string, method: string, positional: unknown[], named: Named): Told {
    this.checkModel(user, model);
    const failure = this.failures.shift();
    if (failure) throw failure;
    if (model === "res.users" && method === "context_get") {
      return { lang: "en_US", tz: "Europe/Berlin", uid: user.id };
    }
    const known = methods[method];
    if (!known) {
      if (method.startsWith("_")) {
        const message = `Private methods (such as '${model}.${method}') cannot be called remotely.`;
        throw new OdooException("odoo.exceptions.AccessError", message, 403);
      }
      const message = `The method '${model}.${method}' does not exist`;
      throw new OdooException("builtins.AttributeError", message, 404);
    }
    const rest = [...positional];
    const ids = known.onModel ? [] : idsOf(rest.shift());
    const names = known.parameters.map((name) => name.replace("?", ""));
    const given: Named = { ...named };
    rest.forEach((value, index) => {
      if (index >= names.length) throw typeError(`${method}() takes too many positional arguments`);
      given[names[index]!] = value;
    });
    checkNames(method, known.parameters, given);
    return known.run(this.database, model, given, ids);
  }

  /**
   * What a model is to a user.
   *
   * @throws {OdooException} when there is none, or it is none of theirs.
   */
  checkModel(user: User, model: string): void {
    const known = this.database.models[model];
    if (!known) throw userError(`Object ${model} doesn't exist`);
    const isForbidden = known.readers === "hr" && user.rights !== "hr" ||
      user.rights === "none" && model.startsWith("hr.");
    if (isForbidden) throw accessError(known.description, model);
  }
}

const typeError = (message: string) => new OdooException("builtins.TypeError", message, 422);

/** Python's binding of arguments: unknown names are refused, missing ones as well. */
export function checkNames(method: string, parameters: string[], given: Named): void {
  const names = parameters.map((name) => name.replace("?", ""));
  const unknown = Object.keys(given).find((name) => name !== "context" && !names.includes(name));
  if (unknown !== undefined) throw typeError(`got an unexpected keyword argument '${unknown}'`);
  const missing = parameters.find((name) => !name.endsWith("?") && !(name in given));
  if (missing !== undefined) throw typeError(`missing a required argument: '${missing}' (${method})`);
}

function idsOf(value: unknown): number[] {
  const list = Array.isArray(value) ? value : [value];
  if (!list.every((id) => typeof id === "number")) throw typeError("the ids are no integers");
  return list;
}
