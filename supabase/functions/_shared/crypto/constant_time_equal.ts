/**
 * Whether two byte strings are equal, in time that does not depend on where they differ.
 *
 * Both come in as digests of a fixed length; a signature of another length, which an attacker may choose, is
 * simply unequal and never an exception.
 */
export function constantTimeEqual(expected: Uint8Array, actual: Uint8Array | null): boolean {
  const compared = actual !== null && actual.length === expected.length
    ? actual
    : new Uint8Array(expected.length);
  let difference = actual !== null && actual.length === expected.length ? 0 : 1;
  for (let index = 0; index < expected.length; index++) difference |= expected[index]! ^ compared[index]!;
  return difference === 0;
}
