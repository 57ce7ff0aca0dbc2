import type postgres from "postgres";
import { AuthFault } from "./auth_fault.ts";

/** bcrypt's cost for passwords set here. GoTrue takes 10; a stack for development and tests is better served fast. */
const COST = 6;
const MIN_LENGTH = 6;
/** bcrypt reads no further. */
const MAX_BYTES = 72;

/** Hashes and compares passwords with pgcrypto, so that hashes made by a seed, GoTrue or this server are alike. */
export class Passwords {
  #dummyHash: Promise<string> | null = null;

  constructor(private readonly sql: postgres.Sql) {}

  /**
   * A hash for a new password.
   *
   * @throws {AuthFault} weak_password, validation_failed.
   */
  async hash(password: unknown): Promise<string> {
    if (typeof password !== "string" || password.length < MIN_LENGTH) {
      const message = `Password should be at least ${MIN_LENGTH} characters.`;
      throw new AuthFault(422, "weak_password", message, { weak_password: { reasons: ["length"] } });
    }
    if (new TextEncoder().encode(password).length > MAX_BYTES) {
      throw new AuthFault(400, "validation_failed", `Password cannot be longer than ${MAX_BYTES} characters`);
    }
    return await this.#crypt(password);
  }

  /** Whether the password is the one behind a hash. Without a hash the same work is done in vain, then refused. */
  async matches(password: string, hash: string | null | undefined): Promise<boolean> {
    const known = hash?.startsWith("$2") ? hash : null;
    this.#dummyHash ??= this.#crypt(crypto.randomUUID());
    const compared = known ?? await this.#dummyHash;
    const [row] = await this.sql<{ same: boolean }[]>`
      select extensions.crypt(${password}, ${compared}) = ${compared} as same`;
    return known !== null && row!.same;
  }

  async #crypt(password: string): Promise<string> {
    const [row] = await this.sql<{ hash: string }[]>`
      select extensions.crypt(${password}, extensions.gen_salt('bf', ${COST})) as hash`;
    return row!.hash;
  }
}
