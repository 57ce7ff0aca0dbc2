import type { Connection } from "./connection.ts";

const IDLE_MS = 4_000;
/** As many as a delivery worker has on the wire. */
const MAX_IDLE = 512;
const MAX_IDLE_PER_KEY = 256;

/**
 * Connections that wait for the next request to the same origin at the same address.
 *
 * Four seconds are below the five after which common servers hang up. The address is part of the key, so a connection
 * is used again only while the name still leads there.
 */
export class ConnectionPool {
  /** Oldest first. */
  readonly #idle = new Map<string, Connection[]>();
  #count = 0;
  #sweep: ReturnType<typeof setInterval> | null = null;

  /** The connection that came back last, since it is the least likely to be dead. */
  take(key: string): Connection | null {
    const waiting = this.#idle.get(key);
    if (!waiting) return null;
    const oldestMs = performance.now() - IDLE_MS;
    while (waiting.length > 0) {
      const connection = waiting.pop()!;
      this.#removed(key, waiting);
      if (!connection.closed && connection.idleSinceMs > oldestMs) return connection;
      connection.close();
    }
    return null;
  }

  /** Keeps a connection whose exchange is complete. */
  put(connection: Connection): void {
    const waiting = this.#idle.get(connection.key) ?? [];
    if (waiting.length >= MAX_IDLE_PER_KEY || this.#count >= MAX_IDLE) return connection.close();
    waiting.push(connection);
    this.#idle.set(connection.key, waiting);
    this.#count++;
    connection.idle(() => {
      if (this.#remove(connection)) connection.close();
    });
    this.#startSweep();
  }

  close(): void {
    for (const waiting of [...this.#idle.values()]) {
      for (const connection of [...waiting]) {
        this.#remove(connection);
        connection.close();
      }
    }
  }

  #remove(connection: Connection): boolean {
    const waiting = this.#idle.get(connection.key);
    const index = waiting?.indexOf(connection) ?? -1;
    if (!waiting || index === -1) return false;
    waiting.splice(index, 1);
    this.#removed(connection.key, waiting);
    return true;
  }

  #removed(key: string, waiting: Connection[]): void {
    this.#count--;
    if (waiting.length === 0) this.#idle.delete(key);
    if (this.#count === 0 && this.#sweep !== null) {
      clearInterval(this.#sweep);
      this.#sweep = null;
    }
  }

  #startSweep(): void {
    if (this.#sweep !== null) return;
    this.#sweep = setInterval(() => this.#closeOld(), IDLE_MS / 4);
    Deno.unrefTimer(this.#sweep);
  }

  #closeOld(): void {
    const oldestMs = performance.now() - IDLE_MS;
    for (const waiting of [...this.#idle.values()]) {
      for (const connection of [...waiting]) {
        if (connection.idleSinceMs > oldestMs) break;
        this.#remove(connection);
        connection.close();
      }
    }
  }
}
