import { expect, test } from 'vitest'
import { until } from '../../../test-kit/wait'
import type { KeepLimits } from '../src/cluster/engine'
import { MESSAGE_BYTES, MessageBudget } from '../src/cluster/message-budget'
import { Ring } from '../src/cluster/ring'
import { collected, TestClock } from './memory-support'

const KEEP: KeepLimits = { messages: 1e9, bytes: 1e9, ageMs: 600_000 }
const PLENTY = 1e9

function createRing(keep: Partial<KeepLimits> = {}, maxBytes = PLENTY) {
  const clock = new TestClock()
  const budget = new MessageBudget(maxBytes, clock.wheel)
  return { clock, budget, ring: new Ring(budget, { ...KEEP, ...keep }) }
}

function push(ring: Ring, count: number, size = 1): void {
  for (let i = 0; i < count; i++) ring.push(new Uint8Array(size), Date.now())
}

function offsets(items: readonly { readonly offset: number }[]): number[] {
  return items.map(({ offset }) => offset)
}

test('a message is kept in an allocation of exactly its size, wherever its bytes come from', () => {
  const { ring } = createRing()
  const sources = [
    Buffer.from('of the pool'),
    new Uint8Array(1_000_000).subarray(500, 505),
    new Uint8Array(0),
    new Uint8Array(5_000),
  ]
  for (const source of sources) ring.push(source, 0)
  for (const [i, { frame }] of ring.items(0).entries()) {
    expect(frame.constructor).toBe(Uint8Array)
    expect([frame.length, frame.byteOffset, frame.buffer.byteLength]).toEqual([sources[i]?.length, 0, frame.length])
  }
})

test('to find a message takes the same steps in a ring of 100,000 as in one of 10', () => {
  const stepsOf = (count: number) => {
    const { ring } = createRing()
    push(ring, count)
    let steps = 0
    const inside = ring as unknown as { messages: unknown[] }
    inside.messages = new Proxy(inside.messages, {
      get: (target, property) => {
        steps++
        return Reflect.get(target, property)
      },
      has: (target, property) => {
        steps++
        return Reflect.has(target, property)
      },
    })
    expect(ring.get(count - 2)?.offset).toBe(count - 2)
    expect(ring.has(count - 2)).toBe(true)
    expect(offsets(ring.items(count - 5, 2))).toEqual([count - 4, count - 3])
    expect(offsets(ring.last(count - 1, 2))).toEqual([count - 3, count - 2])
    return steps
  }
  expect(stepsOf(100_000)).toBe(stepsOf(10))
})

test('what is too old goes without anything being pushed, and then nothing is left in the wheel', async () => {
  const { ring, clock, budget } = createRing({ ageMs: 60_000 })
  push(ring, 500)
  clock.advance(30_000)
  push(ring, 500)
  expect(clock.wheel.size).toBe(1)
  clock.advance(30_000)
  await until(() => ring.first === 501, 'the first half to go')
  expect([ring.size, ring.top, clock.wheel.size]).toEqual([500, 1_000, 1])
  clock.advance(30_000)
  await until(() => ring.size === 0, 'the rest to go')
  expect([ring.first, ring.top, ring.bytes, budget.bytes, clock.wheel.size]).toEqual([1_001, 1_000, 0, 0, 0])
})

test('a ring whose age is lowered lets go in time, and one that keeps for ever needs no deadline', async () => {
  const { ring, clock } = createRing({ ageMs: Number.POSITIVE_INFINITY })
  push(ring, 2)
  expect(clock.wheel.size).toBe(0)
  ring.keep = { ...KEEP, ageMs: 60_000 }
  push(ring, 1)
  expect(clock.wheel.size).toBe(1)
  ring.keep = { ...KEEP, ageMs: 20_000 }
  push(ring, 1)
  clock.advance(20_000)
  await until(() => ring.size === 0, 'all to go')
})

test('a ring whose messages are taken and given all the time has one deadline', () => {
  const { ring, clock } = createRing()
  for (let i = 1; i <= 1_000; i++) {
    push(ring, 1)
    ring.trimTo(i)
  }
  expect([ring.size, clock.wheel.size]).toEqual([0, 1])
  ring.clear()
  expect(clock.wheel.size).toBe(0)
})

test('when the memory of all is used up, the oldest message goes, whosever it is', () => {
  const { budget, ring: first } = createRing({}, 4 * (100 + MESSAGE_BYTES))
  const second = new Ring(budget, KEEP)
  push(first, 2, 100)
  push(second, 2, 100)
  expect(budget.bytes).toBe(budget.maxBytes)
  push(second, 1, 100)
  expect([offsets(first.items(0)), offsets(second.items(0))]).toEqual([[2], [1, 2, 3]])
  push(first, 3, 100)
  expect([offsets(first.items(0)), offsets(second.items(0))]).toEqual([[3, 4, 5], [3]])
  expect(budget.bytes).toBe(budget.maxBytes)
})

test('a message that could not be kept if all others went costs no other ring anything', () => {
  const { budget, ring: first } = createRing({}, 10_000)
  const second = new Ring(budget, KEEP)
  push(first, 3, 100)
  push(second, 3, 100)
  expect(first.push(new Uint8Array(10_000), 0)).toBe(4)
  expect([first.size, first.has(4), first.has(3), offsets(second.items(0))]).toEqual([0, true, false, [1, 2, 3]])
  expect(first.push(new Uint8Array(1), 0)).toBe(5)
  expect(offsets(first.items(0))).toEqual([5])
  // Nor one that would fit, were there not something that does not go.
  budget.reserve(7_000)
  expect(first.push(new Uint8Array(3_000), 0)).toBe(6)
  expect([first.size, offsets(second.items(0))]).toEqual([0, [1, 2, 3]])
})

test('what goes because of the limits of its own ring costs no other ring anything', () => {
  const { budget, ring: first } = createRing({ messages: 2 }, 4 * (100 + MESSAGE_BYTES))
  const second = new Ring(budget, KEEP)
  push(second, 2, 100)
  push(first, 100, 100)
  expect([offsets(second.items(0)), offsets(first.items(0))]).toEqual([
    [1, 2],
    [99, 100],
  ])
})

test('a ring that is cleared gives everything back and counts on', () => {
  const { ring, budget, clock } = createRing()
  push(ring, 100, 100)
  ring.clear()
  expect([budget.bytes, ring.bytes, ring.size, clock.wheel.size]).toEqual([0, 0, 0, 0])
  expect(ring.push(new Uint8Array(1), 0)).toBe(101)
})

test('the owner is told once when the last message has gone, by whatever way', async () => {
  const { budget, clock } = createRing({}, 10_000)
  let emptied = 0
  const ring = new Ring(budget, { ...KEEP, bytes: 1_000 }, { onEmptied: () => emptied++ })
  push(ring, 3)
  ring.trimTo(2)
  expect(emptied).toBe(0)
  ring.trimTo(3)
  expect(emptied).toBe(1)
  push(ring, 1)
  ring.push(new Uint8Array(2_000), 0)
  expect(emptied).toBe(2)
  push(ring, 1)
  budget.reserve(10_000)
  expect([emptied, ring.size]).toEqual([3, 0])
  budget.release(10_000)
  push(ring, 1)
  clock.advance(KEEP.ageMs)
  await until(() => emptied === 4, 'the message to age')
})

test('a ring through which a million messages go takes no more memory than those it keeps', async () => {
  const { ring } = createRing({ messages: 100 })
  const frame = new Uint8Array(50)
  for (let i = 0; i < 10_000; i++) ring.push(frame, 0)
  const before = (await collected()).heapUsed
  for (let i = 0; i < 1_000_000; i++) ring.push(frame, 0)
  const grown = (await collected()).heapUsed - before
  expect(ring.size).toBe(100)
  expect(grown).toBeLessThan(2_000_000)
})
