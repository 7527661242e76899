import type { BucketRates, Rate } from '../options/inbound-options'

/** What is taken without a look at the clock: this part of the burst. Of a burst below it nothing. */
const SLICES = 16
/** A bucket that was empty opens again with what comes in this time, or when it is full: not for single messages in between, nor for small ones. */
const REOPEN_MS = 500
/** Sums of fractions are not exact. */
const TINY = 1e-6

/**
 * Tokens of one kind: `burst` to begin with, `perSecond` more each second, and never more than `burst`. A slice of them is set aside,
 * and taken without reading the clock; so at most a sixteenth more than `burst` is given at once.
 */
class Meter {
  /** Tokens set aside. */
  free = 0
  private rest: number
  private readonly perMs: number

  constructor(
    private readonly rate: Rate,
    private at: number,
  ) {
    this.rest = rate.burst
    this.perMs = rate.perSecond / 1_000
  }

  /** Adds what has come in since. */
  refill(now: number): void {
    this.rest = Math.min(this.rate.burst, this.rest + this.free + (now - this.at) * this.perMs)
    this.free = 0
    this.at = now
  }

  /** Milliseconds until it is open for `count`; 0 if it is. Behind {@link refill}. */
  waitMs(count: number): number {
    const { burst } = this.rate
    // More than there can ever be takes all there is.
    const needed = Math.min(count, burst)
    if (this.rest + TINY >= needed) return 0
    const wanted = Math.min(burst, Math.max(needed, this.rest + this.perMs * REOPEN_MS))
    return (wanted - this.rest) / this.perMs
  }

  /** Takes `count`, which are there, and sets a slice aside. */
  spend(count: number): void {
    this.rest -= Math.min(count, this.rate.burst)
    this.free = Math.max(0, Math.min(Math.floor(this.rate.burst / SLICES), Math.floor(this.rest)))
    this.rest -= this.free
  }
}

/**
 * Says how much may come. When it has run dry it is shut for a moment, and everything is refused until then: what a client sends
 * again after `retryAfterMs` is not overtaken by what it had sent behind.
 */
export class TokenBucket {
  private readonly messages: Meter
  private readonly bytes: Meter | null
  private shutUntil = 0

  /** @param clock  Milliseconds of a monotonic clock; read only when a slice has been used up. */
  constructor(
    { messages, bytes }: BucketRates,
    private readonly clock: () => number,
  ) {
    const now = clock()
    this.messages = new Meter(messages, now)
    this.bytes = bytes && new Meter(bytes, now)
  }

  /** Takes both or nothing. @returns 0, or the whole milliseconds after which it may be tried again. */
  take(messages: number, bytes: number): number {
    if (this.messages.free < messages || (this.bytes !== null && this.bytes.free < bytes)) {
      return this.takeByClock(messages, bytes)
    }
    this.messages.free -= messages
    if (this.bytes !== null) this.bytes.free -= bytes
    return 0
  }

  private takeByClock(messages: number, bytes: number): number {
    const now = this.clock()
    if (now < this.shutUntil) return Math.ceil(this.shutUntil - now)
    this.messages.refill(now)
    this.bytes?.refill(now)
    const waitMs = Math.max(this.messages.waitMs(messages), this.bytes?.waitMs(bytes) ?? 0)
    if (waitMs > 0) {
      this.shutUntil = now + waitMs
      return Math.ceil(waitMs)
    }
    this.messages.spend(messages)
    this.bytes?.spend(bytes)
    return 0
  }
}
