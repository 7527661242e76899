import { expect, test } from 'vitest'
import { createRandom, type Random } from '../../../test-kit/random'
import type { KeepLimits } from '../src/cluster/engine'
import { MESSAGE_BYTES, MessageBudget } from '../src/cluster/message-budget'
import { Ring } from '../src/cluster/ring'
import { TimingWheel } from '../src/connection/timing-wheel'

/*
 * Rings that share a budget against plain arrays: random pushes, limits, trims, and time that goes by. `SEED=…` for one run
 * again, `RING_STEPS=1000000` for a long one.
 */

const STEPS = Number(process.env.RING_STEPS ?? 5_000)
const RINGS = 5
/** About as much as twenty messages. */
const MAX_BYTES = 20 * (MESSAGE_BYTES + 60)

interface ModelMessage {
  readonly ring: number
  readonly offset: number
  readonly at: number
  readonly addedAt: number
  readonly frame: Uint8Array
}

/** The rules in their plainest form: one array of all messages, in order of age. */
class Model {
  messages: ModelMessage[] = []
  readonly tops: number[] = new Array(RINGS).fill(0)
  readonly limits: KeepLimits[] = []
  reserved = 0

  of(ring: number): ModelMessage[] {
    return this.messages.filter((message) => message.ring === ring)
  }

  get bytes(): number {
    return this.messages.reduce((sum, { frame }) => sum + frame.length + MESSAGE_BYTES, this.reserved)
  }

  drop(isGone: (message: ModelMessage) => boolean): void {
    this.messages = this.messages.filter((message) => !isGone(message))
  }

  push(ring: number, frame: Uint8Array, at: number, now: number): void {
    const keep = this.limits[ring] as KeepLimits
    const offset = ++(this.tops[ring] as number)
    const isAllowed = keep.messages >= 1 && keep.ageMs > 0 && frame.length <= keep.bytes
    if (!isAllowed || frame.length + MESSAGE_BYTES + this.reserved > MAX_BYTES) {
      this.drop((message) => message.ring === ring)
      return
    }
    this.messages.push({ ring, offset, at, addedAt: now, frame: frame.slice() })
    const isOver = () => {
      const own = this.of(ring)
      return own.length > keep.messages || own.reduce((sum, message) => sum + message.frame.length, 0) > keep.bytes
    }
    while (isOver()) {
      const [oldest] = this.of(ring)
      this.drop((message) => message === oldest)
    }
    this.makeRoom()
    this.expire(ring, now)
  }

  makeRoom(): void {
    while (this.bytes > MAX_BYTES && this.messages.length > 0) this.messages.shift()
  }

  expire(ring: number, now: number): void {
    const { ageMs } = this.limits[ring] as KeepLimits
    this.drop((message) => message.ring === ring && message.addedAt + ageMs <= now)
  }
}

function randomLimits(random: Random): KeepLimits {
  return {
    messages: random.pick([0, 1, 2, 5, 10, 50, 1_000]),
    bytes: random.pick([0, 10, 100, 300, 1_000, 100_000]),
    ageMs: random.pick([0, 100, 1_000, 10_000, 100_000, Number.POSITIVE_INFINITY]),
  }
}

test('rings that share a budget keep what plain arrays keep', () => {
  const random = createRandom()
  console.log(`rings against arrays: SEED=${random.seed}`)
  let now = 0
  const wheel = new TimingWheel(() => now)
  const budget = new MessageBudget(MAX_BYTES, wheel)
  const model = new Model()
  const rings: Ring[] = []
  for (let i = 0; i < RINGS; i++) {
    model.limits.push(randomLimits(random))
    rings.push(new Ring(budget, model.limits[i] as KeepLimits))
  }
  let largest = 0
  for (let step = 0; step < STEPS; step++) {
    const index = random.below(RINGS)
    const ring = rings[index] as Ring
    const action = random.next()
    if (action < 0.7) {
      const frame = new Uint8Array(random.chance(0.01) ? random.below(2 * MAX_BYTES) : random.below(120)).fill(step)
      model.push(index, frame, step, now)
      expect(ring.push(frame, step)).toBe(model.tops[index])
      frame.fill(255)
    } else if (action < 0.76) {
      const offset = ring.first - 2 + random.below(ring.size + 4)
      model.drop((message) => message.ring === index && message.offset <= offset)
      ring.trimTo(offset)
    } else if (action < 0.8) {
      model.limits[index] = ring.keep = randomLimits(random)
    } else if (action < 0.9) {
      now += 50 * random.below(random.pick([2, 10, 100]))
      for (const [i, each] of rings.entries()) {
        model.expire(i, now)
        each.expire()
      }
    } else if (action < 0.92) {
      model.drop((message) => message.ring === index)
      ring.clear()
    } else {
      const more = random.chance(0.5) ? random.below(MAX_BYTES / 3) : -model.reserved
      model.reserved += more
      if (more > 0) budget.reserve(more)
      else budget.release(-more)
      model.makeRoom()
    }
    largest = Math.max(largest, model.messages.length)
    expect(budget.bytes).toBe(model.bytes)
    for (const [i, each] of rings.entries()) compare(each, model.of(i), model.tops[i] as number, random)
  }
  // A script in which nothing is kept would compare nothing.
  expect(largest).toBeGreaterThan(5)
  for (const ring of rings) ring.clear()
  expect([budget.bytes, wheel.size]).toEqual([model.reserved, 0])
})

function compare(ring: Ring, own: readonly ModelMessage[], top: number, random: Random): void {
  const first = own[0]?.offset ?? top + 1
  const bytes = own.reduce((sum, { frame }) => sum + frame.length, 0)
  expect([ring.top, ring.first, ring.size, ring.bytes]).toEqual([top, first, own.length, bytes])
  const place = first - 3 + random.below(own.length + 6)
  const limit = random.pick([0, 1, 3, 1_000, Number.POSITIVE_INFINITY])
  const behind = own.filter(({ offset }) => offset > place).slice(0, limit)
  expect(ring.items(place, limit).map(plain)).toEqual(behind.map(plain))
  const inFront = limit === 0 ? [] : own.filter(({ offset }) => offset < place).slice(-limit)
  expect(ring.last(place, limit).map(plain)).toEqual(inFront.map(plain))
  expect(ring.last(null, limit)).toHaveLength(Math.min(limit, own.length))
  expect(ring.has(place)).toBe(place <= top && place >= first - 1)
  const found = own.find(({ offset }) => offset === place)
  expect(ring.get(place)?.offset).toBe(found?.offset)
  for (const { frame } of ring.items(place, 2)) expect(frame.buffer.byteLength).toBe(frame.length)
}

/** What is to be the same of a message. */
function plain({ offset, at, frame }: Pick<ModelMessage, 'at' | 'frame' | 'offset'>): string {
  return `${offset} ${at} ${frame.length} ${frame.every((byte) => byte === at % 256)}`
}
