import ipaddr from "ipaddr.js";

/** Which header carries a caller's address, and from which end it is counted. */
export interface AddressHeader {
  name: string;
  /** Proxies of one's own that add to the header: the caller is what the outermost of them saw. Null = one value. */
  proxies: number | null;
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/**
 * The address a request comes from; null when it cannot be known.
 *
 * Whoever calls may send any header. So entries count from the right, where each proxy of one's own adds what it saw,
 * and a list that is shorter than the proxies are many names nobody.
 */
export function clientAddress(headers: Headers, { name, proxies }: AddressHeader): Address | null {
  const entries = (headers.get(name) ?? "").split(",").map((entry) => entry.trim());
  if (proxies === null && entries.length > 1) return null;
  const entry = entries[entries.length - (proxies ?? 1)];
  return entry === undefined ? null : readAddress(entry);
}

/** Whether an address lies in one of the ranges. */
export function isWithin(address: Address, ranges: [Address, number][]): boolean {
  return ranges.some(([network, bits]) =>
    address.kind() === network.kind() && address.match(network as ipaddr.IPv4 & ipaddr.IPv6, bits)
  );
}

/** An address or a range such as 203.0.113.0/24; null when it is neither. */
export function readRange(text: string): [Address, number] | null {
  const [address, bits, ...rest] = text.split("/");
  const network = readAddress(address!);
  if (network === null || rest.length > 0) return null;
  const most = network.kind() === "ipv4" ? 32 : 128;
  if (bits === undefined) return [network, most];
  return /^\d{1,3}$/.test(bits) && Number(bits) <= most ? [network, Number(bits)] : null;
}

/** IPv4 within IPv6 is that IPv4. Forms that leave something out or count in octal are none. */
function readAddress(text: string): Address | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (!ipaddr.IPv6.isValid(text) || text.includes("%")) return null;
  const address = ipaddr.IPv6.parse(text);
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}
