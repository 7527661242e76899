import { LIMITS } from '@roomcast/protocol'
import type { AnySocket } from '../api/socket'
import type { Connection, InboundRates } from '../connection/connection'
import { Recent } from '../connection/recent'
import { TokenBucket } from '../connection/token-bucket'
import type { BucketRates, ResolvedRateLimits } from '../options/inbound-options'

/** Refusals that a connection may have behind it: twice what a client has on its way, and what one that heeds them meets each second. */
const REFUSALS: BucketRates = { messages: { perSecond: 50, burst: LIMITS.rateRefusals }, bytes: null }
/** A PING so much later than the one before is free: idle connections have no bucket. */
const QUIET_PING_MS = 1_000

/**
 * Counts what connections, users and events bring against what they may. Buckets are made when something comes, so that idle
 * connections have none.
 */
export class RateLimiter {
  /** Buckets of users who were over their limit: who comes back finds what was left. */
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
      const rates = ratesOf(connection)
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
    const rates = ratesOf(connection)
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
    const key = `${socket.namespaceNumber}\n${account.id}`
    account.inbound ??= this.users.take(key) ?? new TokenBucket(rates, this.clock)
    const waitMs = account.inbound.take(messages, bytes)
    if (waitMs > 0) this.users.add(key, account.inbound)
    return waitMs
  }

  private chargeEvent(socket: AnySocket, event: string, messages: number, bytes: number): number {
    const limit = this.limits.events?.get(event)
    if (limit === undefined) return 0
    const rates = ratesOf(socket.connection)
    rates.events ??= new Map()
    const key = `${socket.namespaceNumber}\n${event}`
    let bucket = rates.events.get(key)
    if (bucket === undefined) {
      bucket = new TokenBucket(limit, this.clock)
      rates.events.set(key, bucket)
    }
    return bucket.take(messages, bytes)
  }
}

function ratesOf(connection: Connection<AnySocket>): InboundRates {
  connection.inbound ??= { bucket: null, refusals: null, events: null }
  return connection.inbound
}
