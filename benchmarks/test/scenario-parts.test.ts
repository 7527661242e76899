import { createCompactCodec, encodeFrame, MESSAGE_TYPES } from '@roomcast/protocol'
import { expect, test } from 'vitest'
import { Samples } from '../src/samples'
import { clockUs } from '../src/scenarios/clock'
import { MESSAGE_EVENT, readMessageHead } from '../src/scenarios/payload'
import { withinBudgets, withinNoise } from '../src/scenarios/text'

const codec = createCompactCodec()

function frameOf(event: string, args: unknown[], place: { room?: number; seq?: number } = {}): Buffer {
  return Buffer.from(encodeFrame(codec, { type: MESSAGE_TYPES.EVENT, event, ...place }, args))
}

test('time and number of a message are read from its frame, with and without a position', () => {
  for (const number of [0, 1, 127, 128, 255, 256, 65_535, 65_536, 4_000_000]) {
    for (const place of [{}, { room: 3, seq: 70_000 }]) {
      const atUs = clockUs()
      const head = { atUs: 0, number: 0 }
      expect(readMessageHead(frameOf(MESSAGE_EVENT, [atUs, number, 7, new Uint8Array(300)], place), head)).toBe(true)
      expect(head).toEqual({ atUs, number })
    }
  }
})

test('frames that are no messages are told from them, and messages of another form are refused', () => {
  const head = { atUs: 0, number: 0 }
  expect(readMessageHead(frameOf('other', [0.5, 1, 2, 3]), head)).toBe(false)
  expect(() => readMessageHead(frameOf(MESSAGE_EVENT, [1, 1, 2, 3]), head)).toThrow('another form')
  expect(() => readMessageHead(frameOf(MESSAGE_EVENT, [0.5, 1]), head)).toThrow('another form')
})

test('quantiles are of what was added since they were taken, however much that is', () => {
  const samples = new Samples()
  const count = 100_000
  for (let value = count; value >= 1; value--) samples.add(value)
  expect(samples.take()).toEqual({ count, p50: 50_001, p90: 90_001, p99: 99_001, p999: 99_901, max: count })
  samples.add(3)
  expect(samples.take()).toEqual({ count: 1, p50: 3, p90: 3, p99: 3, p999: 3, max: 3 })
  expect(samples.take().p50).toBeNaN()
})

test('a latency is within noise if the median with is no more than the worst without, and not each round is slower', () => {
  const of = (value: number) => ({ count: 1, p50: value, p90: value, p99: value, p999: value, max: value })
  const isKept = (withIt: number[], without: number[]) =>
    withinNoise('it', withIt.map(of), without.map(of)).every((verdict) => verdict.isKept)
  expect(isKept([1, 3, 9], [2, 3, 2])).toBe(true)
  expect(isKept([1, 4, 4], [2, 3, 2])).toBe(false)
  // Slower in each round, though no slower than the slowest.
  expect(isKept([2, 3, 4], [1, 2, 3])).toBe(false)
  // An empty round proves nothing.
  expect(isKept([Number.NaN], [1])).toBe(false)
})

test('budgets have a tenth more', () => {
  expect(withinBudgets('it', 1_100, 10, 100).isKept).toBe(true)
  expect(withinBudgets('it', 1_101, 10, 100).isKept).toBe(false)
})
