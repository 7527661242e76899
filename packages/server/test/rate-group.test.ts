import { LIMITS } from '@roomcast/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { PendingValue } from '../src/egress/pending-value'
import { RateGroup } from '../src/egress/rate-group'
import { isRate, periodOf } from '../src/egress/rate-steps'
import { TurnQueue } from '../src/egress/turn-queue'

const bytes = (number: number) => new TextEncoder().encode(String(number))
const text = (frame: Uint8Array) => new TextDecoder().decode(frame)

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

/** A group with one member, on a clock that the test moves. */
function makeGroup(rate: number, onPublish: (value: string) => void = () => {}) {
  const published: { readonly at: number; readonly value: string }[] = []
  const turn = new TurnQueue({ publish: () => {} })
  const group = new RateGroup<never>('topic', periodOf(rate), turn, (_audience, _left, frame) => {
    onPublish(text(frame))
    published.push({ at: performance.now(), value: text(frame) })
  })
  group.members.add({} as never)
  let count = 0
  const take = (id = 'k') =>
    group.take(bytes(++count), { volatile: false, compress: true, latest: { id, merge: null } }, null)
  return { group, published, take, last: () => String(count) }
}

describe('a group of one rate', () => {
  test.each([
    [10, 10],
    [1, 1],
    [0.5, 0.5],
    [30, 30],
    [60, 60],
    [13, 12],
    [500, 500],
  ])(
    'of 1,000 values a second at a rate of %i, %i a second are published, evenly, and the last one',
    (rate, expected) => {
      const { published, take, last } = makeGroup(rate)
      const begin = performance.now()
      for (let ms = 0; ms < 10_000; ms++) {
        take()
        vi.advanceTimersByTime(1)
      }
      for (let second = 1; second < 9; second++) {
        const count = published.filter(({ at }) => Math.floor((at - begin) / 1_000) === second).length
        expect(Math.abs(count - expected), `${count} in second ${second}`).toBeLessThanOrEqual(1)
      }
      expect(Math.abs(published.length - 10 * expected)).toBeLessThanOrEqual(2)
      // Timers have whole milliseconds.
      const gaps = published.slice(1).map(({ at }, i) => at - (published[i]?.at ?? 0))
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000 / expected - 1)
      vi.advanceTimersByTime(Math.ceil(1_000 / expected) + 25)
      expect(published.at(-1)?.value).toBe(last())
    },
  )

  test('the first value after a silence goes at once, the next waits for the end of the period', () => {
    const { published, take } = makeGroup(4)
    take()
    expect(published).toHaveLength(1)
    vi.advanceTimersByTime(1_000)
    take()
    expect(published).toHaveLength(2)
    take()
    take()
    expect(published).toHaveLength(2)
    vi.advanceTimersByTime(250 + 25)
    expect(published.map(({ value }) => value)).toEqual(['1', '2', '4'])
    vi.advanceTimersByTime(10_000)
    expect(published).toHaveLength(3)
  })

  test('the last value waits for one period, however often more came than may wait', () => {
    const { published, take, last } = makeGroup(1)
    for (let i = 0; i < 50 * (LIMITS.pacedValues + 2); i++) take(String(i))
    take('last')
    vi.advanceTimersByTime(1_000 + 25)
    expect(published.at(-1)?.value).toBe(last())
    const { length } = published
    take('last')
    expect(published).toHaveLength(length)
    vi.advanceTimersByTime(1_000 + 25)
    expect(published).toHaveLength(length + 1)
  })

  test('a publish that fails takes its value with it, and no other', () => {
    let isBroken = false
    const { group, published, take } = makeGroup(1, (value) => {
      if (isBroken && value === '3') throw new Error('broken')
    })
    for (const id of ['a', 'a', 'b', 'c']) take(id)
    isBroken = true
    expect(() => group.flush()).toThrow('broken')
    expect(published.map(({ value }) => value)).toEqual(['1', '2'])
    vi.advanceTimersByTime(2_000 + 25)
    expect(published.map(({ value }) => value)).toEqual(['1', '2', '4'])
  })

  test('every value has its newest version, in the order in which they came first', () => {
    const { published, take } = makeGroup(10)
    for (const id of ['a', 'a', 'b', 'c', 'b', 'a']) take(id)
    vi.advanceTimersByTime(125)
    expect(published.map(({ value }) => value)).toEqual(['1', '6', '5', '4'])
  })

  test('more bytes than may wait are published early', () => {
    const { published, group } = makeGroup(0.01)
    const flags = (id: string) => ({ volatile: false, compress: true, latest: { id, merge: null } })
    for (const id of ['a', 'b', 'b', 'b']) group.take(new Uint8Array(600_000), flags(id), null)
    expect(published).toHaveLength(1)
    group.take(new Uint8Array(600_000), flags('c'), null)
    expect(published).toHaveLength(3)
  })

  test('more values than may wait are published early', () => {
    const { published, take } = makeGroup(0.01)
    for (let i = 0; i < 1_026; i++) take(`k${i}`)
    expect(published).toHaveLength(1_026)
  })
})

test('a rate is rounded down to a step, of which there are 51', () => {
  const steps = new Set<number>()
  for (let rate = 0.01; rate <= 1_000; rate *= 1.01) {
    const step = 1_000 / periodOf(rate)
    expect(step).toBeLessThanOrEqual(rate * (1 + 1e-9))
    expect(step).toBeGreaterThan(rate / 1.36)
    steps.add(periodOf(rate))
  }
  expect(steps.add(periodOf(1_000)).size).toBe(51)
  for (const rate of [0.01, 0.1, 0.5, 1, 2, 5, 10, 12, 15, 20, 25, 30, 50, 60, 100, 1_000])
    expect(1_000 / periodOf(rate)).toBeCloseTo(rate, 9)
  for (const rate of [0, -1, 0.009, 1_001, Number.NaN, Number.POSITIVE_INFINITY, '10', null])
    expect(isRate(rate)).toBe(false)
})

test('a value that waits is for each member what was meant for them last', () => {
  const flags = { volatile: false, compress: true, latest: { id: 'k', merge: null } }
  const value = PendingValue.of(bytes(1), flags, new Set(['ada']))
  const all = () => ['ada', 'bob', 'cyd'].map((name) => value.for(name)).map((frame) => frame && text(frame))
  expect(all()).toEqual([null, '1', '1'])
  value.update(bytes(2), flags, new Set(['bob']))
  expect(all()).toEqual(['2', '1', '2'])
  value.update(bytes(3), flags, new Set(['bob', 'cyd']))
  expect(all()).toEqual(['3', '1', '2'])
  value.leaveOut('ada')
  value.update(bytes(4), flags, new Set(['ada']))
  expect(all()).toEqual([null, '4', '4'])
  value.update(bytes(5), flags, null)
  expect(all()).toEqual(['5', '5', '5'])
  expect(value.exceptions).toBeNull()
})

test('a merge shows nobody what they were left out of', () => {
  const merge = (older: Uint8Array, newer: Uint8Array) => new TextEncoder().encode(`${text(older)}+${text(newer)}`)
  const flags = { volatile: false, compress: true, latest: { id: 'k', merge } }
  const value = PendingValue.of(bytes(1), flags, new Set(['ada']))
  const all = () => ['ada', 'bob', 'cyd'].map((name) => value.for(name)).map((frame) => frame && text(frame))
  value.update(bytes(2), flags, new Set(['bob']))
  expect(all()).toEqual(['2', '1', '1+2'])
  value.update(bytes(3), flags, null)
  expect(all()).toEqual(['2+3', '1+3', '1+2+3'])
})
