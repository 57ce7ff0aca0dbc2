import assert from "node:assert/strict";

const MODULES = "../../supabase/functions/_shared/retry";
/** Berlin loses an hour after the first and gets one after the second, New York likewise after the others. */
const BEFORE_CHANGES = [
  "2026-03-29T00:59:30Z",
  "2026-10-25T00:59:30Z",
  "2026-03-08T06:59:30Z",
  "2026-11-01T05:59:30Z",
];

/** Prints the wait for every form of date, an hour ahead of each of the instants. */
const PROGRAM = `
import { retryAfterMs } from ${JSON.stringify(import.meta.resolve(`${MODULES}/retry_after.ts`))};
const two = (n) => String(n).padStart(2, "0");
for (const text of ${JSON.stringify(BEFORE_CHANGES)}) {
  const at = new Date(Date.parse(text) + 3_600_000);
  const [weekday, day, month, year, time] = at.toUTCString().replace(",", "").split(" ");
  for (const date of [
    at.toUTCString(),
    weekday + "day, " + day + "-" + month + "-" + year.slice(2) + " " + time + " GMT",
    weekday + " " + month + " " + day + " " + time + " " + year,
  ]) console.log(retryAfterMs(new Headers({ "retry-after": date }), Date.parse(text)));
}
console.log(new Date(${JSON.stringify(BEFORE_CHANGES[0])}).getTimezoneOffset());
`;

async function waitsIn(timeZone: string): Promise<number[]> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", PROGRAM],
    env: { TZ: timeZone },
    stderr: "inherit",
  }).output();
  assert.ok(success);
  return new TextDecoder().decode(stdout).trim().split("\n").map(Number);
}

for (const [timeZone, offset] of [["UTC", 0], ["Europe/Berlin", -60], ["America/New_York", 240]] as const) {
  Deno.test(`a wait that Retry-After asks for crosses a daylight-saving change unmoved in ${timeZone}`, async () => {
    const waits = await waitsIn(timeZone);
    assert.equal(waits.pop(), offset, "the process is in that time zone");
    assert.deepEqual(waits, Array(BEFORE_CHANGES.length * 3).fill(3_600_000));
  });
}
