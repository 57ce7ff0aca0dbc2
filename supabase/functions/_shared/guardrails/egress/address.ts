import ipaddr from "ipaddr.js";

/** The one address outside all special ranges that answers with a machine's configuration: Azure's platform host. */
const PLATFORM_ADDRESSES = ["168.63.129.16"];

type AddressKind = "public" | "loopback" | "refused";

const MAX_KNOWN = 1_000;
/** Every request asks for the addresses of its endpoint again, and they are mostly the same. */
const known = new Map<string, AddressKind>();

/**
 * What an address is to us: `public` may be called, `loopback` only on a developer's machine, `refused` never.
 *
 * Everything is refused that is not plainly public, so a range nobody thought of is refused too. IPv6 must lie in
 * 2000::/3, the only part handed out to the internet; mapped, compatible, NAT64, 6to4, Teredo and ISATAP forms are
 * refused whole, whatever address is inside: no public endpoint needs them.
 *
 * Source: IANA special-purpose registries as kept by ipaddr.js; RFC 4291 section 2.4; RFC 5214 section 6.1.
 */
export function addressKind(text: string): AddressKind {
  let kind = known.get(text);
  if (kind === undefined) {
    kind = readAddressKind(text);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(text, kind);
  }
  return kind;
}

function readAddressKind(text: string): AddressKind {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) {
    const address = ipaddr.IPv4.parse(text);
    const range = address.range();
    if (range === "loopback") return "loopback";
    return range === "unicast" && !PLATFORM_ADDRESSES.includes(address.toString()) ? "public" : "refused";
  }
  if (!ipaddr.IPv6.isValid(text) || text.includes("%")) return "refused";
  const address = ipaddr.IPv6.parse(text);
  const range = address.range();
  if (range === "loopback") return "loopback";
  const [first = 0, , , , fifth = 0, sixth = 0] = address.parts;
  const globalUnicast = first >> 13 === 1;
  const isatap = (fifth & 0xfdff) === 0 && sixth === 0x5efe;
  return globalUnicast && range === "unicast" && !isatap ? "public" : "refused";
}

/** Whether the text is an IPv4 or IPv6 address, in the forms that `URL` and DNS give. */
export function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
}
