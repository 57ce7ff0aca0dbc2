/** The middle one; of two middle ones the upper. 0 when there is none. */
export function median(values: number[]): number {
  return quantile(values, 0.5);
}

/** The value below which `share` of all lie. 0 when there is none. */
export function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? 0;
}

/** Rounds for people; enough digits stay to compare. */
export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** From the smallest to the largest, for a table. */
export function range(values: number[], digits = 0): string {
  return `${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)}`;
}
