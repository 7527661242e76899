import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'
import { LIMITS, RoomcastError } from '@roomcast/protocol'

/** Addresses of proxies, checked. */
export interface ProxyNetworks {
  /** @param address  As {@link readAddress} returns it; another text is nobody's. */
  has(address: string): boolean
}

/**
 * Reads an IP address.
 *
 * @returns IPv4 in decimal; IPv6 as eight groups of four hexadecimal digits in lower case, as the engine writes the address of
 *          a peer; IPv4 that is mapped into IPv6 as IPv4. null for anything else, IPv6 with a zone included: that is the name
 *          of a network card of somebody else.
 */
export function readAddress(text: string): string | null {
  if (isIPv4(text)) return text
  if (!isIPv6(text) || text.includes('%')) return null
  const groups = ipv6Groups(text)
  const full = groups.map((group) => group.toString(16).padStart(4, '0')).join(':')
  if (!full.startsWith(MAPPED)) return full
  const [high = 0, low = 0] = groups.slice(6)
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** Of IPv4 over IPv6; RFC 4291 section 2.5.5.2. */
const MAPPED = '0000:0000:0000:0000:0000:ffff:'
const MAPPED_BITS = 96

function ipv6Groups(text: string): number[] {
  const [head = '', tail] = text.split('::')
  const front = readGroups(head)
  if (tail === undefined) return front
  const back = readGroups(tail)
  return [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back]
}

/** The groups of a part without "::"; the last may be two of them, written as IPv4. */
function readGroups(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return Number.parseInt(group, 16)
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}

/**
 * Checks the option `trustedProxies`.
 *
 * @returns null if nobody is trusted.
 * @throws RoomcastError `INVALID_OPTION`.
 */
export function resolveTrustedProxies(entries: readonly string[] = []): ProxyNetworks | null {
  if (!Array.isArray(entries)) throw new RoomcastError('INVALID_OPTION', 'trustedProxies has to be a list')
  if (entries.length === 0) return null
  const list = new BlockList()
  for (const entry of entries as readonly unknown[]) addEntry(list, entry)
  // Asked several times for each connection; the list makes objects to answer, which costs as much as everything else.
  const known = new Map<string, boolean>()
  return {
    has(address) {
      const remembered = known.get(address)
      if (remembered !== undefined) return remembered
      // Not remembered: it may be of any length.
      if (isIP(address) === 0) return false
      const isListed = list.check(address, familyOf(address))
      if (known.size >= LIMITS.rememberedAddresses) known.clear()
      known.set(address, isListed)
      return isListed
    },
  }
}

function addEntry(list: BlockList, entry: unknown): void {
  const [, base = '', prefix] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(String(entry)) ?? []
  const address = readAddress(base)
  if (address === null) throw invalid(entry, 'is neither an address nor a network, as in "10.0.0.0/8"')
  const family = familyOf(address)
  const width = family === 'ipv4' ? 32 : 128
  if (prefix === undefined) return list.addAddress(address, family)
  const isMapped = family === 'ipv4' && base.includes(':')
  const bits = isMapped ? Number(prefix) - MAPPED_BITS : Number(prefix)
  // All of them would let everybody choose the address they come from.
  if (bits < 1 || bits > width) throw invalid(entry, `has to have from 1 to ${width} bits`)
  list.addSubnet(address, bits, family)
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (address.includes(':') ? 'ipv6' : 'ipv4')

function invalid(entry: unknown, what: string): RoomcastError {
  return new RoomcastError('INVALID_OPTION', `trustedProxies: "${String(entry).slice(0, 100)}" ${what}`)
}
