import { LIMITS } from '@roomcast/protocol'
import type { AnySocket } from '../api/socket'
import { type Connection, type EventRates, inboundOf } from '../connection/connection'
import { Recent } from '../connection/recent'
import { TokenBucket } from '../connection/token-bucket'
import type { BucketRates, ResolvedRateLimits } from '../options/inbound-options'
import type { UserRates } from '../people/account'

/** Refusals that a connection may have behind it: twice what a client has on its way, and what one that heeds them meets each second. */
const REFUSALS: BucketRates = { messages: { perSecond: 50, burst: LIMITS.rateRefusals }, bytes: null }
/** A PING so much later than the one before is free: idle connections have no bucket. */
const QUIET_PING_MS = 1_000

/**
 * Counts what connections, users and events bring against what they may. Buckets are made when something comes, so that idle
 * connections have none.
 */
export class RateLimiter {
  /** Buckets of users who have gone: who comes back finds what was left. */
  private readonly users: Recent<TokenBucket>

  constructor(
    private readonly limits: ResolvedRateLimits,
    private readonly clock: () => number = () => performance.now(),
  ) {
    const { messages, bytes } = limits.user ?? { messages: { perSecond: 1, burst: 0 }, bytes: null }
    const fullAfterMs = Math.max(messages.burst / messages.perSecond, bytes ? bytes.burst / bytes.perSecond : 0) * 1_000
    this.users = new Recent(LIMITS.rememberedAddresses, fullAfterMs, clock)
  }

  /**
   * Takes what a frame costs.
   *
   * @param socket  Whose it is; null for frames of no namespace.
   * @param event   Name of an event; '' for other frames.
   * @returns 0, or the milliseconds after which it may be sent again.
   */
  charge(
    connection: Connection<AnySocket>,
    socket: AnySocket | null,
    messages: number,
    bytes: number,
    event: number | string,
  ): number {
    const { limits } = this
    if (limits.connection !== null) {
      const rates = inboundOf(connection)
      rates.bucket ??= new TokenBucket(limits.connection, this.clock)
      const waitMs = rates.bucket.take(messages, bytes)
      if (waitMs > 0) return waitMs
    }
    if (socket === null) return 0
    if (limits.user !== null && socket.login !== null) {
      const waitMs = this.chargeUser(socket, limits.user, messages, bytes)
      if (waitMs > 0) return waitMs
    }
    return limits.events === null || typeof event !== 'string' ? 0 : this.chargeEvent(socket, event, messages, bytes)
  }

  /** Counts a frame that was refused. @returns Whether the client has had enough of these. */
  isTooMuch(connection: Connection<AnySocket>): boolean {
    const rates = inboundOf(connection)
    rates.refusals ??= new TokenBucket(REFUSALS, this.clock)
    return rates.refusals.take(1, 0) > 0
  }

  /** Whether a PING is one of a client that asks now and then. */
  isQuietPing(connection: Connection<AnySocket>): boolean {
    const now = Math.floor(this.clock())
    const isQuiet = connection.pingedAt === 0 || now - connection.pingedAt >= QUIET_PING_MS
    if (isQuiet) connection.pingedAt = now
    return isQuiet
  }

  private chargeUser(socket: AnySocket, rates: BucketRates, messages: number, bytes: number): number {
    const account = socket.login?.account
    if (!account) return 0
    account.inbound ??= this.bucketOf(account.id, socket, rates)
    return account.inbound.bucket.take(messages, bytes)
  }

  private bucketOf(userId: string, socket: AnySocket, rates: BucketRates): UserRates {
    const { name } = socket.nsp
    const key = `${name.length}\n${name}${userId}`
    const bucket = this.users.take(key) ?? new TokenBucket(rates, this.clock)
    return { bucket, keep: () => this.users.add(key, bucket) }
  }

  private chargeEvent(socket: AnySocket, event: string, messages: number, bytes: number): number {
    const limit = this.limits.events?.get(event)
    if (limit === undefined) return 0
    const { buckets } = eventRatesOf(socket)
    let bucket = buckets.get(event)
    if (bucket === undefined) {
      bucket = new TokenBucket(limit, this.clock)
      buckets.set(event, bucket)
    }
    return bucket.take(messages, bytes)
  }
}

/** Two steps instead of one key, which would be a new text for each event. */
function eventRatesOf({ connection, namespaceNumber, nsp: { name } }: AnySocket): EventRates {
  const rates = inboundOf(connection)
  rates.events ??= new Map()
  let entry = rates.events.get(name)
  if (entry === undefined) {
    if (rates.events.size >= LIMITS.namespacesPerConnection) forgetOneThatLeft(connection, rates.events)
    entry = { buckets: new Map(), namespaceNumber }
    rates.events.set(name, entry)
  }
  entry.namespaceNumber = namespaceNumber
  return entry
}

/** A client may go from one namespace to the next for ever. */
function forgetOneThatLeft(connection: Connection<AnySocket>, events: Map<string, EventRates>): void {
  for (const [name, { namespaceNumber }] of events) {
    if (connection.member(namespaceNumber) !== null) continue
    events.delete(name)
    return
  }
}
