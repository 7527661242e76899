import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TokenBucket } from '../src/connection/token-bucket'

/** A bucket as it is in books, with a look at the clock each time. */
class Exact {
  private tokens: number
  private at = 0

  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
  ) {
    this.tokens = burst
  }

  take(now: number, count: number): boolean {
    this.tokens = Math.min(this.burst, this.tokens + ((now - this.at) * this.perSecond) / 1_000)
    this.at = now
    if (this.tokens + 1e-6 < count) return false
    this.tokens -= count
    return true
  }
}

const rates = fc.record({
  perSecond: fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.double({ min: 0.01, max: 5, noNaN: true })),
  burst: fc.integer({ min: 1, max: 5_000 }),
})
/** Waits, and what is asked for behind each. */
const script = fc.array(
  fc.record({
    waitMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 100_000 })),
    count: fc.integer({ min: 1, max: 400 }),
    times: fc.integer({ min: 1, max: 40 }),
  }),
  { minLength: 1, maxLength: 30 },
)

describe('a token bucket', () => {
  it('gives no more in any time than the burst, a sixteenth of it, and what that time brings', () => {
    fc.assert(
      fc.property(rates, script, ({ perSecond, burst }, steps) => {
        let now = 0
        const bucket = new TokenBucket({ messages: { perSecond, burst }, bytes: null }, () => now)
        const given: { at: number; sum: number }[] = []
        let sum = 0
        for (const { waitMs, count, times } of steps) {
          now += waitMs
          for (let i = 0; i < times; i++) {
            if (bucket.take(count, 0) > 0) continue
            given.push({ at: now, sum })
            sum += Math.min(count, burst)
          }
        }
        for (const { at, sum: before } of given) {
          for (const last of given) {
            if (last.at < at) continue
            const end = given.find((next) => next.sum > last.sum)?.sum ?? sum
            const most = burst * (1 + 1 / 16) + ((last.at - at) * perSecond) / 1_000
            expect(end - before).toBeLessThanOrEqual(most + 1e-3)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it('refuses nobody who keeps to the rate', () => {
    fc.assert(
      fc.property(rates, script, ({ perSecond, burst }, steps) => {
        let now = 0
        const bucket = new TokenBucket({ messages: { perSecond, burst }, bytes: { perSecond, burst } }, () => now)
        const exact = new Exact(perSecond, burst)
        for (const { waitMs, count, times } of steps) {
          now += waitMs
          for (let i = 0; i < times; i++) {
            // What would be too much is not asked for.
            if (exact.take(now, count)) expect(bucket.take(count, count)).toBe(0)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it('is open again after the time it names, and shut until then', () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 1, max: 400 }), ({ perSecond, burst }, count) => {
        let now = 5
        const bucket = new TokenBucket({ messages: { perSecond, burst }, bytes: null }, () => now)
        let waitMs = 0
        while (waitMs === 0) waitMs = bucket.take(count, 0)
        expect(Number.isInteger(waitMs)).toBe(true)
        now += waitMs - 1.5
        if (waitMs > 2) expect(bucket.take(1, 0)).toBeGreaterThan(0)
        now += 1.5
        expect(bucket.take(count, 0)).toBe(0)
      }),
    )
  })

  it('takes messages and bytes, or neither', () => {
    let now = 0
    const rates = { messages: { perSecond: 1, burst: 10 }, bytes: { perSecond: 100, burst: 1_000 } }
    const bucket = new TokenBucket(rates, () => now)
    expect(bucket.take(1, 900)).toBe(0)
    // 500 ms of bytes are wanted at least: 150 are there already.
    expect(bucket.take(1, 150)).toBe(500)
    now += 500
    // A frame larger than the burst takes all of it.
    now += 8_500
    for (let i = 0; i < 8; i++) expect(bucket.take(1, 1)).toBe(0)
    now += 80
    expect(bucket.take(1, 5_000)).toBe(0)
    expect(bucket.take(1, 1)).toBeGreaterThan(0)
  })

  it('is shut long enough for a client to hear of it, however little is missing', () => {
    let now = 0
    const rates = { messages: { perSecond: 500, burst: 4_000 }, bytes: { perSecond: 1_000, burst: 4_000 } }
    const bucket = new TokenBucket(rates, () => now)
    for (let i = 0; i < 3; i++) expect(bucket.take(1, 1_000)).toBe(0)
    expect(bucket.take(1, 1_010)).toBe(500)
    now += 499
    expect(bucket.take(1, 1)).toBeGreaterThan(0)
    now += 1
    expect(bucket.take(1, 1_010)).toBe(0)
  })

  it('looks at the clock once for a slice', () => {
    let looks = 0
    const bucket = new TokenBucket({ messages: { perSecond: 500, burst: 4_000 }, bytes: null }, () => ++looks)
    for (let i = 0; i < 3_900; i++) bucket.take(1, 0)
    expect(looks).toBeLessThan(25)
  })
})
