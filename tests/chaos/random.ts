/** Chance that can be repeated: the same seed makes the same choices. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Chance of its own for a part of the whole: what others draw meanwhile does not change its choices. */
  static of(seed: number, part: string): Random {
    let mixed = seed >>> 0;
    for (const character of part) mixed = Math.imul(mixed ^ character.codePointAt(0)!, 0x01000193);
    return new Random(mixed);
  }

  /** A number from 0 up to, not including, 1 (mulberry32). */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  between(lowest: number, highest: number): number {
    return lowest + Math.floor(this.fraction() * (highest - lowest + 1));
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.between(0, choices.length - 1)]!;
  }
}

/** The seed of this run: CHAOS_SEED repeats an earlier one. */
export const chaosSeed = Number(Deno.env.get("CHAOS_SEED") ?? crypto.getRandomValues(new Uint32Array(1))[0]);
