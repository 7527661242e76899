import { type ProxyNetworks, readAddress } from '../options/proxy-options'

/** An address with a port: of IPv4, or of IPv6 in brackets, which may also stand without. */
const IPV4_PORT = /^([\d.]+):\d{1,5}$/
const BRACKETS = /^\[([^\]]*)\](?::\d{1,5})?$/

/**
 * Address of the client behind the proxies that are trusted: the last one in `X-Forwarded-For`, read from the right, that is
 * not one of them. Each proxy adds the address that it was called from at the right end; whatever stands further left than
 * the last of ours could have been written by the client.
 *
 * @param peer       Address of the other end of the TCP connection.
 * @param forwarded  Value of the header, several of them joined with ","; undefined if there is none.
 * @param trusted    null trusts nobody: the header means nothing.
 * @returns As `readAddress` does. The peer if it is not trusted; where an entry is malformed ("unknown", a host name), the
 *          one before it, which is a proxy's.
 */
export function clientAddress(peer: string, forwarded: string | undefined, trusted: ProxyNetworks | null): string {
  if (trusted === null || forwarded === undefined || !trusted.has(peer)) return peer
  let address = peer
  for (const entry of forwarded.split(',').reverse()) {
    const next = readEntry(entry.trim())
    if (next === null) return address
    address = next
    if (!trusted.has(address)) return address
  }
  return address
}

function readEntry(entry: string): string | null {
  return readAddress((IPV4_PORT.exec(entry) ?? BRACKETS.exec(entry))?.[1] ?? entry)
}
