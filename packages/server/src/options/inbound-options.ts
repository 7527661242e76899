import { LIMITS, RoomcastError } from '@roomcast/protocol'
import { connectionsByDescriptors } from './descriptor-limit'
import { inRange } from './ranges'

/** How fast something may come: a bucket that is filled evenly, and holds a burst. */
export interface RateLimit {
  /** Messages, more than 0; 0.1 is one in ten seconds. */
  readonly messagesPerSecond: number
  /** Messages at once, after a pause; a sixteenth more may be let through. @default those of eight seconds */
  readonly burstMessages?: number
  /** Bytes of frames; Infinity for any number. @default 1 MiB of a connection, twice that of its user; any number of an event */
  readonly bytesPerSecond?: number
  /** Bytes at once, after a pause; a larger frame takes all of it. @default those of four seconds */
  readonly burstBytes?: number
}

/** Who may send how fast; false for as fast as they can. */
export interface RateLimits {
  /** One connection, with all its namespaces. @default 500 messages a second, 4,000 at once; 1 MiB a second, 4 MiB at once */
  readonly connection?: RateLimit | false
  /** All connections of one user, in one namespace. @default twice as much as a connection */
  readonly user?: RateLimit | false
  /** One socket, by name of the event. @default none */
  readonly events?: Readonly<Record<string, RateLimit>>
}

/** How fast connections may be asked for. */
export interface HandshakeRate {
  /** More than 0. */
  readonly perSecond: number
  /** At once, after a pause. @default those of ten seconds */
  readonly burst?: number
}

/** Who may ask for connections how fast; false for as fast as they can. */
export interface HandshakeLimits {
  /**
   * One address (of IPv6, one network of 64 bits). Given, it holds for all; else not for those of loopback and private networks: proxies that are not named in
   * `trustedProxies` would be one client. @default 50 a second, 500 at once
   */
  readonly address?: HandshakeRate | false
  /** All of them together. @default false: to refuse one costs about as much as to open it */
  readonly server?: HandshakeRate | false
}

/** The options of a server that say how much of what clients send it takes, and how fast. */
export interface InboundOptions {
  /**
   * How fast clients may send. What is over the limit is not handled: a call is answered with `RATE_LIMITED` and `{ retryAfterMs }`, for another event the client
   * fires `error` with that, and who goes on is closed with 4015. All frames count, but not answers that the server waits for; the requests
   * `join`, `history`, `sync`, `watch` and `users` count as ten. false takes everything.
   */
  readonly rateLimits?: RateLimits | false
  /**
   * Connections at once, of both transports; more are refused with `SERVER_FULL`. Whatever it says, a fifth of the descriptors of the process (`ulimit -n`) is
   * left alone. @default 100000
   */
  readonly maxConnections?: number
  /**
   * Connections of one address at once (of IPv6, one network of 64 bits); more are refused with `TOO_MANY_CONNECTIONS`. Given, it holds for all; else not for
   * addresses of loopback and private networks. Infinity for any number. @default 256
   */
  readonly maxConnectionsPerAddress?: number
  /** How fast connections may be asked for; more are refused with `RATE_LIMITED`. */
  readonly handshakeLimits?: HandshakeLimits | false
  /**
   * Events of one socket that may be under way at once: from the first handler that returns a promise, or middleware that has not called `next`, until all
   * of them are done. The next event, call or request of the socket waits, within bounds; answers to the server's own calls never do. Infinity has every event
   * handled as it comes, as in Socket.IO. @default 1: in their order, one after the other
   */
  readonly concurrency?: number
  /**
   * Milliseconds after which the next event begins although the handlers of one before have not ended; `onError` is told
   * (`HANDLER_TIMEOUT`), and the late answer is sent when it comes. @default `ackTimeout`
   */
  readonly handlerTimeout?: number
}

/** {@link InboundOptions} with the defaults filled in and checked. */
export interface ResolvedInboundOptions {
  readonly handlers: HandlerLimits
  /** null takes everything. */
  readonly rateLimits: ResolvedRateLimits | null
  readonly door: ResolvedDoor
}

/** How many connections there may be, and how fast they may come. */
export interface ResolvedDoor {
  readonly maxConnections: number
  /** Descriptors that connections may take. */
  readonly maxDescriptors: number
  /** null for any number. `isForAll`: also for addresses of loopback and private networks. */
  readonly perAddress: { readonly limit: number; readonly isForAll: boolean } | null
  /** null for any rate. */
  readonly handshakesPerAddress: { readonly rate: Rate; readonly isForAll: boolean } | null
  /** Of all addresses; null for any rate. */
  readonly handshakes: Rate | null
}

/** {@link RateLimits} with the defaults filled in and checked; null for as fast as they can. */
export interface ResolvedRateLimits {
  readonly connection: BucketRates | null
  readonly user: BucketRates | null
  /** By name; null if there are none. */
  readonly events: ReadonlyMap<string, BucketRates> | null
}

/** How much may come. */
export interface Rate {
  readonly perSecond: number
  /** At once, after a pause. */
  readonly burst: number
}

/** Messages, and their bytes; null for any number of bytes. */
export interface BucketRates {
  readonly messages: Rate
  readonly bytes: Rate | null
}

/** How the handlers of one socket run. */
export interface HandlerLimits {
  /** Events under way at once, or Infinity. */
  readonly concurrency: number
  readonly timeoutMs: number
}

/** @param ackTimeoutMs  Of the same server. @throws RoomcastError `INVALID_OPTION`. */
export function resolveInboundOptions(options: InboundOptions, ackTimeoutMs: number): ResolvedInboundOptions {
  const { concurrency = 1 } = options
  if (!(concurrency >= 1) || (!Number.isInteger(concurrency) && concurrency !== Number.POSITIVE_INFINITY)) {
    throw new RoomcastError(
      'INVALID_OPTION',
      `concurrency is ${concurrency}; it has to be a whole number from 1, or Infinity`,
    )
  }
  const timeoutMs = inRange('handlerTimeout', options.handlerTimeout ?? ackTimeoutMs, 1, 2 ** 31 - 1)
  return {
    handlers: { concurrency, timeoutMs },
    rateLimits: resolveRateLimits(options.rateLimits),
    door: resolveDoor(options),
  }
}

function resolveDoor({ maxConnections, maxConnectionsPerAddress, handshakeLimits = {} }: InboundOptions): ResolvedDoor {
  const max = 2 ** 31 - 1
  const limit = maxConnectionsPerAddress ?? LIMITS.connectionsPerAddress
  const isCounted = limit !== Number.POSITIVE_INFINITY
  if (handshakeLimits !== false) assertObject('handshakeLimits', handshakeLimits)
  const { address, server = false } =
    handshakeLimits === false ? ({ address: false } satisfies HandshakeLimits as HandshakeLimits) : handshakeLimits
  const rate = resolveHandshakes('handshakeLimits.address', address ?? { perSecond: LIMITS.handshakesPerSecond })
  return {
    maxConnections: inRange('maxConnections', maxConnections ?? LIMITS.connections, 1, max),
    maxDescriptors: connectionsByDescriptors(),
    perAddress: isCounted
      ? {
          limit: inRange('maxConnectionsPerAddress', limit, 1, max),
          isForAll: maxConnectionsPerAddress !== undefined,
        }
      : null,
    handshakesPerAddress: rate && { rate, isForAll: address !== undefined },
    handshakes: resolveHandshakes('handshakeLimits.server', server),
  }
}

const BURST_HANDSHAKES_SECONDS = LIMITS.burstHandshakes / LIMITS.handshakesPerSecond

function resolveHandshakes(name: string, limit: HandshakeRate | false): Rate | null {
  if (limit === false) return null
  assertObject(name, limit)
  const perSecond = positive(`${name}.perSecond`, limit.perSecond)
  const usual = Math.max(1, Math.ceil(perSecond * BURST_HANDSHAKES_SECONDS))
  return { perSecond, burst: inRange(`${name}.burst`, limit.burst ?? usual, 1, Number.MAX_SAFE_INTEGER) }
}

/** A bucket is larger than what comes in a second: clients that were away send what has waited, and join their rooms again. */
const BURST_SECONDS = LIMITS.burstMessages / LIMITS.messagesPerSecond
const BURST_BYTES_SECONDS = LIMITS.burstBytes / LIMITS.bytesPerSecond

function resolveRateLimits(limits: RateLimits | false = {}): ResolvedRateLimits | null {
  if (limits === false) return null
  assertObject('rateLimits', limits)
  const { connection = { messagesPerSecond: LIMITS.messagesPerSecond }, user, events = {} } = limits
  assertObject('rateLimits.events', events)
  const own = resolveRate('rateLimits.connection', connection, LIMITS.bytesPerSecond)
  const ofUser = user ?? (own === null ? false : undefined)
  const names = Object.entries(events)
  return {
    connection: own,
    user: ofUser === undefined ? twice(own) : resolveRate('rateLimits.user', ofUser, 2 * LIMITS.bytesPerSecond),
    events:
      names.length === 0
        ? null
        : new Map(
            names.map(([name, limit]) => [
              name,
              resolveRate(`rateLimits.events["${name.slice(0, 100)}"]`, limit, Number.POSITIVE_INFINITY) as BucketRates,
            ]),
          ),
  }
}

function twice(rates: BucketRates | null): BucketRates | null {
  const double = ({ perSecond, burst }: Rate): Rate => ({ perSecond: 2 * perSecond, burst: 2 * burst })
  return rates && { messages: double(rates.messages), bytes: rates.bytes && double(rates.bytes) }
}

function resolveRate(name: string, limit: RateLimit | false, usualBytes: number): BucketRates | null {
  if (limit === false) return null
  assertObject(name, limit)
  const { messagesPerSecond, bytesPerSecond = usualBytes } = limit
  const messages = positive(`${name}.messagesPerSecond`, messagesPerSecond)
  const bytes = positive(`${name}.bytesPerSecond`, bytesPerSecond)
  const burst = (field: 'burstBytes' | 'burstMessages', usual: number) =>
    inRange(`${name}.${field}`, limit[field] ?? Math.max(1, Math.ceil(usual)), 1, Number.MAX_SAFE_INTEGER)
  return {
    messages: { perSecond: messages, burst: burst('burstMessages', messages * BURST_SECONDS) },
    bytes: Number.isFinite(bytes)
      ? { perSecond: bytes, burst: burst('burstBytes', bytes * BURST_BYTES_SECONDS) }
      : null,
  }
}

function positive(name: string, value: number): number {
  if (typeof value === 'number' && value > 0 && (Number.isFinite(value) || name.endsWith('bytesPerSecond')))
    return value
  throw new RoomcastError('INVALID_OPTION', `${name} is ${value}; it has to be a number above 0`)
}

function assertObject(name: string, value: unknown): void {
  if (typeof value === 'object' && value !== null) return
  throw new RoomcastError('INVALID_OPTION', `${name} has to be an object`)
}
