import { type EgressPolicy, readTarget, type Target } from "./target.ts";

const MAX_TARGETS = 1_000;

/**
 * Remembers how the URLs of endpoints read: they are called again and again, and reading one takes as long as signing.
 * What a URL says never changes; where its name leads is looked up for every request.
 */
export class TargetCache {
  readonly #targets = new Map<string, Target>();

  constructor(readonly policy: EgressPolicy) {}

  /** @throws {EgressError} url_refused */
  read(url: string): Target {
    const known = this.#targets.get(url);
    if (known) return known;
    const target = readTarget(url, this.policy);
    if (this.#targets.size >= MAX_TARGETS) this.#targets.delete(this.#targets.keys().next().value!);
    this.#targets.set(url, target);
    return target;
  }
}
