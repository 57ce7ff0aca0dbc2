import assert from "node:assert/strict";

/** One item that arrived somewhere, as found there. */
export interface Arrival {
  /** The item. */
  key: string;
  /** Where it was found. */
  tenantId: string;
  /** Which of its parts this is, for example "receipt". */
  part: string;
  /**
   * What the receiving side tells repeats by. Two arrivals of one part are a duplicate unless both carry the same one:
   * that is a repeat, which whoever promises "at least once" may send.
   */
  fingerprint?: string;
}

interface Accepted {
  tenantId: string;
  parts: string[];
}

/** What was accepted against what arrived, by key. */
export interface Verdict {
  accepted: number;
  arrived: number;
  lost: string[];
  repeats: number;
  duplicates: string[];
  outOfTenant: string[];
  /** Arrived without ever having been accepted. */
  unknown: string[];
}

/** What was promised: an entry for every item whose sender was told that it is safe. */
export class Ledger {
  readonly #accepted = new Map<string, Accepted>();

  /** Notes an item that was accepted for a tenant, and all the parts that must be found there, each once. */
  accept(key: string, tenantId: string, parts: string[]): void {
    this.#accepted.set(key, { tenantId, parts });
  }

  get size(): number {
    return this.#accepted.size;
  }

  /** Compares the entries from the nth on with what arrived. */
  judge(arrivals: Arrival[], from = 0): Verdict {
    const entries = [...this.#accepted].slice(from);
    const byKey = Map.groupBy(arrivals, (arrival) => arrival.key);
    const verdict: Verdict = {
      ...{ accepted: entries.length, arrived: 0, repeats: 0 },
      ...{ lost: [], duplicates: [], outOfTenant: [], unknown: [] },
    };
    for (const [key, accepted] of entries) judgeItem(verdict, key, accepted, byKey.get(key) ?? []);
    for (const key of byKey.keys()) if (!this.#accepted.has(key)) verdict.unknown.push(key);
    return verdict;
  }
}

function judgeItem(verdict: Verdict, key: string, accepted: Accepted, found: Arrival[]): void {
  const here = found.filter((arrival) => arrival.tenantId === accepted.tenantId);
  if (here.length < found.length) verdict.outOfTenant.push(key);
  const missing = accepted.parts.filter((part) => !here.some((arrival) => arrival.part === part));
  if (missing.length === 0) verdict.arrived++;
  for (const part of missing) verdict.lost.push(`${key}: ${part}`);
  for (const [part, copies] of Map.groupBy(here, (arrival) => arrival.part)) {
    if (!accepted.parts.includes(part)) verdict.unknown.push(`${key}: ${part}`);
    const [first] = copies;
    const same = copies.every((copy) =>
      copy.fingerprint !== undefined && copy.fingerprint === first!.fingerprint
    );
    if (copies.length > 1 && same) verdict.repeats += copies.length - 1;
    else if (copies.length > 1) verdict.duplicates.push(`${key}: ${part}`);
  }
}

/** Asserts that all of this was accepted and arrived, that nothing else did, and nothing twice but as a repeat. */
export function requireAllOnce(verdict: Verdict, accepted: number, what = "everything arrived once"): void {
  const { lost, duplicates, outOfTenant, unknown } = verdict;
  assert.deepEqual(
    { accepted: verdict.accepted, lost, duplicates, outOfTenant, unknown },
    { accepted, lost: [], duplicates: [], outOfTenant: [], unknown: [] },
    what,
  );
}
