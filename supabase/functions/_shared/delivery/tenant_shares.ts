/**
 * How much of a worker each tenant holds. A tenant that holds as much as is still free gets no more for now: whoever
 * comes next always finds a place, however many endpoints of others hang.
 */
export class TenantShares {
  #held = new Map<string, number>();

  add(tenantId: string, count: number): void {
    this.#held.set(tenantId, (this.#held.get(tenantId) ?? 0) + count);
  }

  remove(tenantId: string, count: number): void {
    const held = (this.#held.get(tenantId) ?? 0) - count;
    if (held > 0) this.#held.set(tenantId, held);
    else this.#held.delete(tenantId);
  }

  /** Tenants that get nothing while so much is free. */
  full(free: number): string[] {
    return [...this.#held].filter(([, held]) => held >= free).map(([tenantId]) => tenantId);
  }
}
