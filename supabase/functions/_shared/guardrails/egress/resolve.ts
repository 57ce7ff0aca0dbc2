import { addressKind, isAddress } from "./address.ts";
import { EgressError } from "./egress_error.ts";
import { type EgressPolicy, isLocalhost, type Target } from "./target.ts";

/** Every IPv4 and IPv6 address of a name; an empty list when the name has none. */
export type Resolver = (hostname: string) => Promise<string[]>;

/** Long enough for a burst to one endpoint, too short to matter when it moves. */
export const NAME_CACHE_MS = 3_000;
const MAX_CACHED_NAMES = 1_000;

/**
 * Asks DNS for A and AAAA. The name is asked with a dot at its end, so that no search list of the machine is tried and
 * `hooks.example.com` cannot become `hooks.example.com.cluster.local`.
 */
export async function resolveWithDns(hostname: string): Promise<string[]> {
  const answers = await Promise.allSettled([
    Deno.resolveDns(`${hostname}.`, "A"),
    Deno.resolveDns(`${hostname}.`, "AAAA"),
  ]);
  const addresses = answers.flatMap((answer) => answer.status === "fulfilled" ? answer.value : []);
  const failed = answers.find((answer) =>
    answer.status === "rejected" && !(answer.reason instanceof Deno.errors.NotFound)
  );
  if (addresses.length === 0 && failed?.status === "rejected") throw failed.reason;
  return addresses;
}

/**
 * Remembers answers for a moment, and asks once for requests that come together.
 *
 * Only what was checked is ever dialled, so a remembered answer is as safe as a fresh one.
 */
export class NameCache {
  readonly #answers = new Map<string, { until: number; addresses: Promise<string[]> }>();

  constructor(readonly resolver: Resolver, readonly keepMs: number) {}

  lookup(hostname: string): Promise<string[]> {
    const now = performance.now();
    const known = this.#answers.get(hostname);
    if (known && known.until > now) return known.addresses;
    const addresses = this.resolver(hostname);
    this.#answers.delete(hostname);
    this.#answers.set(hostname, { until: now + this.keepMs, addresses });
    addresses.catch(() => this.#forget(hostname, addresses));
    if (this.#answers.size > MAX_CACHED_NAMES) this.#answers.delete(this.#answers.keys().next().value!);
    return addresses;
  }

  #forget(hostname: string, addresses: Promise<string[]>): void {
    if (this.#answers.get(hostname)?.addresses === addresses) this.#answers.delete(hostname);
  }
}

/**
 * The addresses a target may be dialled at, IPv4 first: hosted functions have no IPv6 everywhere.
 *
 * One address that is not public refuses them all: a name that mixes public and inner addresses is an attack or a
 * mistake, and picking the good ones would leave it to chance which.
 *
 * @throws {EgressError} address_refused, dns_failed
 */
export async function checkedAddresses(
  target: Target,
  policy: EgressPolicy,
  names: NameCache,
): Promise<string[]> {
  const { hostname } = target;
  const addresses = isAddress(hostname)
    ? [hostname]
    : policy.allowLocal && isLocalhost(hostname)
    ? ["127.0.0.1", "::1"]
    : await lookup(hostname, names);
  for (const address of addresses) {
    const kind = addressKind(address);
    const allowed = kind === "loopback" ? policy.allowLocal : kind === "public" && !target.onlyLoopback;
    if (!allowed) {
      throw new EgressError(
        "address_refused",
        "The URL leads to an address that is not on the public internet; use one that is.",
      );
    }
  }
  return addresses.toSorted((one, other) => Number(one.includes(":")) - Number(other.includes(":")));
}

async function lookup(hostname: string, names: NameCache): Promise<string[]> {
  let addresses: string[];
  try {
    addresses = await names.lookup(hostname);
  } catch (error) {
    throw dnsFailed("The host name of the URL could not be looked up; try again later.", error);
  }
  if (addresses.length > 0) return addresses;
  throw dnsFailed("The host name of the URL does not exist or has no address; check its spelling.");
}

const dnsFailed = (message: string, cause?: unknown) =>
  new EgressError("dns_failed", message, undefined, cause);
