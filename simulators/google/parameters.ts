import { createHash } from "node:crypto";
import { invalidParameter } from "./answers.ts";

const BOOLEANS: Record<string, boolean> = { true: true, false: false };

/** A request's query, read strictly: every name must be known, every value fit. */
export class Parameters {
  constructor(readonly query: URLSearchParams, known: readonly string[]) {
    for (const name of query.keys()) {
      if (known.includes(name)) continue;
      throw invalidParameter(
        name,
        `Invalid JSON payload received. Unknown name "${name}": Cannot bind query parameter.`,
      );
    }
  }

  text(name: string): string | null {
    return this.query.get(name);
  }

  all(name: string): string[] {
    return this.query.getAll(name);
  }

  flag(name: string, fallback: boolean): boolean {
    const text = this.query.get(name);
    if (text === null) return fallback;
    if (!Object.hasOwn(BOOLEANS, text)) {
      throw invalidParameter(name, `Invalid value '${text}'. Not a boolean.`);
    }
    return BOOLEANS[text]!;
  }

  /** A whole number; more than the most there is counts as that. */
  count(name: string, fallback: number, most: number): number {
    const text = this.query.get(name);
    if (text === null) return fallback;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (value < 1) throw invalidParameter(name, `Invalid value '${text}'. Values must be at least 1.`);
    return Math.min(value, most);
  }
}

/** A search as page tokens carry it: they are refused with another one, and stay short. */
export function searchMark(parts: unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** Page and sync tokens: opaque to whoever gets one, JSON to the simulator. */
export function sealToken(value: unknown): string {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return `~!!~${btoa(String.fromCharCode(...bytes))}`;
}

/** What a token says; null = it is none of ours. */
export function openToken<Value>(token: string): Value | null {
  if (!token.startsWith("~!!~")) return null;
  try {
    const bytes = Uint8Array.from(atob(token.slice(4)), (char) => char.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}
