import assert from "node:assert/strict";
import {
  clientAddress,
  isWithin,
  readRange,
} from "../../supabase/functions/_shared/providers/none/client_address.ts";

const addressOf = (value: string | null, proxies: number | null = 1) =>
  clientAddress(new Headers(value === null ? {} : { "x-forwarded-for": value }), {
    name: "x-forwarded-for",
    proxies,
  })
    ?.toString() ?? null;

Deno.test("the caller is what the outermost proxy of one's own saw, whatever the caller wrote before it", () => {
  assert.equal(addressOf("203.0.113.7"), "203.0.113.7");
  assert.equal(addressOf("198.51.100.1, 203.0.113.7"), "203.0.113.7");
  assert.equal(addressOf("203.0.113.7, 198.51.100.1"), "198.51.100.1");
  assert.equal(addressOf("1.1.1.1, 203.0.113.7, 10.0.0.1", 2), "203.0.113.7");
  assert.equal(addressOf("203.0.113.7", 2), null, "fewer entries than proxies: it did not come through them");
  assert.equal(addressOf(null), null);
  assert.equal(addressOf("203.0.113.7", null), "203.0.113.7");
  assert.equal(addressOf("198.51.100.1, 203.0.113.7", null), null, "a header of one value came twice");
});

Deno.test("what is not plainly an address is nobody's", () => {
  for (
    const text of [
      ...[
        "",
        ",",
        "unknown",
        "localhost",
        "203.0.113.7:443",
        "[2001:db8::1]",
        "2001:db8::1%eth0",
        "203.0.113",
      ],
      ...["0xcb007107", "3405803783", "0313.0.0161.07", "203.0.113.007", "203.0.113.7/32", "203.0.113.7, "],
    ]
  ) {
    assert.equal(addressOf(text), null, text);
  }
  assert.equal(addressOf("::ffff:203.0.113.7"), "203.0.113.7");
});

Deno.test("a range holds its addresses and no others, of its own kind only", () => {
  const within = (text: string, ...ranges: string[]) =>
    isWithin(readRange(text)![0], ranges.map((range) => readRange(range)!));
  assert.equal(within("203.0.113.7", "203.0.113.7"), true);
  assert.equal(within("203.0.113.8", "203.0.113.7"), false);
  assert.equal(within("203.0.113.255", "203.0.113.0/24"), true);
  assert.equal(within("203.0.114.0", "203.0.113.0/24"), false);
  assert.equal(within("2001:db8::1", "203.0.113.0/24", "2001:db8::/32"), true);
  assert.equal(within("2001:db9::1", "2001:db8::/32"), false);
  assert.equal(within("203.0.113.7", "::/0"), false);
  assert.equal(within("::ffff:203.0.113.7", "203.0.113.0/24"), true);
  for (
    const text of [
      "",
      "203.0.113.0/33",
      "203.0.113.0/",
      "203.0.113.0/24/8",
      "2001:db8::/129",
      "a/8",
      "1/8",
      "/8",
    ]
  ) {
    assert.equal(readRange(text), null, text);
  }
});
