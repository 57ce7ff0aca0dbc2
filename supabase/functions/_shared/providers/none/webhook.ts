import * as z from "zod";
import { hexEncode, utf8Bytes } from "../../crypto/encoding.ts";
import { type HmacKey, hmacSha256, hmacSha256Key } from "../../crypto/hmac.ts";
import { environment } from "../../env.ts";
import { randomBytes } from "../json_body.ts";
import { plainElements } from "../plain_elements.ts";
import { headerNameSetting } from "../setting_types.ts";
import { defineScheme } from "../webhook_scheme.ts";
import { clientAddress, isWithin, readRange } from "./client_address.ts";

/** Wider ranges than these are a slip of the pen: they let in most of the internet. */
const WIDEST = { ipv4: 8, ipv6: 16 };

const range = () =>
  z.string().max(50).refine((text) => {
    const read = readRange(text);
    return read !== null && read[1] >= WIDEST[read[0].kind()];
  }, "is no address or range such as 203.0.113.7 or 203.0.113.0/24");

const settings = () =>
  z.strictObject({
    allowed_addresses: z.array(range()).min(1).max(100),
    event_id_header: headerNameSetting().default("x-event-id"),
    event_type_header: headerNameSetting().default("x-event-type"),
  });

interface AddressKey {
  ranges: NonNullable<ReturnType<typeof readRange>>[];
  hmac: HmacKey;
}

/**
 * For senders that can neither sign nor show a secret: only the address they call from is checked. Works where
 * INTERLOCK_CLIENT_ADDRESS says which header that address can be trusted to stand in.
 */
export const none = defineScheme<z.output<ReturnType<typeof settings>>, AddressKey>({
  provider: "none",
  secretFrom: "nobody",
  settings,
  exampleSettings: { allowed_addresses: ["203.0.113.7"] },
  generateSecret: () => hexEncode(randomBytes(32)),
  obstacle: () =>
    environment().INTERLOCK_CLIENT_ADDRESS
      ? null
      : "Set INTERLOCK_CLIENT_ADDRESS first: without it the hub does not know where a request comes from.",
  importKey: async (secret, { allowed_addresses }) => ({
    ranges: allowed_addresses.map((text) => readRange(text)!),
    hmac: await hmacSha256Key(utf8Bytes(secret)),
  }),
  async verify(request, key) {
    // Takes as long as a signature: what does not exist answers no slower.
    await hmacSha256(key.hmac, request.body);
    const header = environment().INTERLOCK_CLIENT_ADDRESS;
    const address = header ? clientAddress(request.headers, header) : null;
    return address !== null && isWithin(address, key.ranges);
  },
  elements: plainElements,
  sample: () => null,
});
