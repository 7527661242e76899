/** Whoever has an IPv6 address has the 2^64 others of the network too. RFC 6177 section 2. */
const IPV6_NETWORK = /^(?:[0-9a-f]{4}:){4}(?=(?:[0-9a-f]{4}:){3}[0-9a-f]{4}$)/

/** What counts as one address: an IPv4 address, a network of 64 bits of IPv6. @param address  As `handshake.address` has it. */
export function networkOf(address: string): string {
  return IPV6_NETWORK.exec(address)?.[0] ?? address
}
