/** Adds to what tests/run.ts shows after the tests, however they went. */
export function report(text: string): void {
  const file = Deno.env.get("INTERLOCK_TEST_REPORT");
  if (file) Deno.writeTextFileSync(file, `${text}\n`, { append: true });
}
