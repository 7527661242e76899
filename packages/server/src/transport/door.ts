import { LIMITS } from '@roomcast/protocol'
import { networkOf } from '../connection/network'
import { Recent } from '../connection/recent'
import { TokenBucket } from '../connection/token-bucket'
import type { BucketRates, ResolvedDoor } from '../options/inbound-options'
import { type ProxyNetworks, resolveTrustedProxies } from '../options/proxy-options'
import type { Refusal } from './admission'

/** Who shares one of these addresses is known to the operator: proxies, tests, machines of one's own. */
const OWN_NETWORKS = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '::1',
  'fc00::/7',
  'fe80::/10',
]

/** How long those are asked to stay away for whom there is no place; places are given up one by one. */
const FULL_FOR_MS = 5_000

/** What the door has to know of those who are inside. */
export interface Inside {
  /** Open connections. */
  readonly connections: number
  /** Polling sessions: each of these takes a second descriptor for what it sends. */
  readonly sessions: number
}

/**
 * Who may come in, before anything is done for them: so many at once, from one address and in all, and so many in a second. Counts of
 * an address are kept as long as it has connections; rates of the last addresses for as long as a bucket needs to be full again.
 */
export class Door {
  private readonly connections = new Map<string, number>()
  private readonly handshakes: Recent<TokenBucket>
  private readonly all: TokenBucket | null
  private readonly own: ProxyNetworks | null = resolveTrustedProxies(OWN_NETWORKS)

  constructor(
    private readonly options: ResolvedDoor,
    private readonly inside: () => Inside,
    private readonly clock: () => number = () => performance.now(),
  ) {
    const { perSecond, burst } = options.handshakesPerAddress?.rate ?? { perSecond: 1, burst: 0 }
    this.handshakes = new Recent(LIMITS.rememberedAddresses, (burst / perSecond) * 1_000, clock)
    this.all = options.handshakes && new TokenBucket(ratesOf(options.handshakes), clock)
  }

  /** Somebody asks for a connection. @returns null if there is a place, and the address does not ask too often. */
  knock(address: string): Refusal | null {
    const network = networkOf(address)
    const { handshakesPerAddress } = this.options
    if (handshakesPerAddress !== null && this.isMeant(handshakesPerAddress.isForAll, address)) {
      const bucket = this.handshakes.get(network) ?? new TokenBucket(ratesOf(handshakesPerAddress.rate), this.clock)
      this.handshakes.add(network, bucket)
      const retryAfterMs = bucket.take(1, 0)
      if (retryAfterMs > 0)
        return tooFast('429 Too Many Requests', 'too many connections from this address', retryAfterMs)
    }
    const retryAfterMs = this.all?.take(1, 0) ?? 0
    if (retryAfterMs > 0) return tooFast('503 Service Unavailable', 'too many connections', retryAfterMs)
    return this.refusal(address)
  }

  /** Whether there is a place for another connection from this address: to be asked again right before it opens. */
  refusal(address: string): Refusal | null {
    const { maxConnections, maxDescriptors, perAddress } = this.options
    const { connections, sessions } = this.inside()
    if (connections >= maxConnections || connections + sessions >= maxDescriptors) {
      const message = 'the server has as many connections as it may have'
      return { status: '503 Service Unavailable', code: 'SERVER_FULL', message, retryAfterMs: FULL_FOR_MS }
    }
    if (perAddress === null || !this.isMeant(perAddress.isForAll, address)) return null
    if ((this.connections.get(networkOf(address)) ?? 0) < perAddress.limit) return null
    const message = 'this address has as many connections as it may have'
    return { status: '429 Too Many Requests', code: 'TOO_MANY_CONNECTIONS', message, retryAfterMs: FULL_FOR_MS }
  }

  /** A connection has opened. */
  entered(address: string): void {
    this.count(address, 1)
  }

  /** It has closed. */
  left(address: string): void {
    this.count(address, -1)
  }

  private count(address: string, change: number): void {
    const { perAddress } = this.options
    if (perAddress === null || !this.isMeant(perAddress.isForAll, address)) return
    const network = networkOf(address)
    const count = (this.connections.get(network) ?? 0) + change
    if (count > 0) this.connections.set(network, count)
    else this.connections.delete(network)
  }

  private isMeant(isForAll: boolean, address: string): boolean {
    return isForAll || !this.own?.has(address)
  }
}

function ratesOf(rate: BucketRates['messages']): BucketRates {
  return { messages: rate, bytes: null }
}

function tooFast(status: Refusal['status'], message: string, retryAfterMs: number): Refusal {
  return { status, code: 'RATE_LIMITED', message, retryAfterMs }
}
