import { LIMITS } from '@roomcast/protocol'
import { expect, test } from 'vitest'
import { until } from '../../../test-kit/wait'
import { MESSAGE_BYTES } from '../src/cluster/message-budget'
import { bytes, KEEP, numbers, textsOf } from './engine-scene'
import { collected, startMemory } from './memory-support'

const MEGABYTE = 2 ** 20
const NOTHING = { messages: 0, bytes: 0, ageMs: 0 }

test('a channel with neither a subscriber nor anything kept is forgotten, and its epoch ends', () => {
  const { engine, budget } = startMemory(MEGABYTE)
  engine.bus.subscribe(['room'])
  const first = engine.log.append('room', bytes('one'), NOTHING).position
  expect([engine.log.size, budget.bytes > 0]).toEqual([1, true])
  engine.bus.unsubscribe(['room'])
  expect([engine.log.size, budget.bytes]).toEqual([0, 0])
  const second = engine.log.append('room', bytes('two'), NOTHING).position
  expect([second.offset, second.epoch === first.epoch]).toEqual([1, false])
  expect([engine.log.size, budget.bytes]).toEqual([0, 0])
})

test('a channel that nobody subscribes is remembered as long as something is kept of it, by message or by key', async () => {
  const { engine, clock, budget } = startMemory(MEGABYTE)
  const keep = { ...KEEP, ageMs: 60_000 }
  const { epoch } = engine.log.append('room', bytes('one'), keep).position
  expect(engine.log.append('room', bytes('two'), keep).position).toEqual({ epoch, offset: 2 })
  const retained = engine.log.append('other', bytes('retained'), NOTHING, 'key').position
  clock.advance(60_000)
  await until(() => engine.log.size === 1, 'the channel to be forgotten')
  expect(engine.log.read('room', { epoch, offset: 2 }, 1)).toMatchObject({ items: [], top: 0, isGapless: false })
  expect(engine.log.append('other', bytes('two'), NOTHING).position).toEqual({ epoch: retained.epoch, offset: 2 })
  expect(budget.bytes).toBeGreaterThan(0)
})

test('to read a channel that nobody subscribes leaves nothing behind, and each answer has an epoch of its own', () => {
  const { engine, budget } = startMemory(MEGABYTE)
  const epochs = new Set(numbers(1, 1_000).map(() => engine.log.read('room', null, 1).epoch))
  expect([epochs.size, engine.log.size, budget.bytes]).toEqual([1_000, 0, 0])
  for (const epoch of epochs) expect(epoch).toMatch(/^[\w-]{12}$/)
})

test('10,000 channels that are written to all the time stay within the memory they have together', async () => {
  const { engine, budget } = startMemory(16 * MEGABYTE)
  const frame = new Uint8Array(200)
  const write = (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < 10_000; i++)
        engine.log.append(`room ${i}`, frame, { ...KEEP, messages: 100 }, i % 10 ? undefined : 'key')
      expect(budget.bytes).toBeLessThanOrEqual(budget.maxBytes)
    }
  }
  const before = (await collected()).rss
  write(10)
  const grown = (await collected()).rss - before
  expect(budget.bytes).toBeGreaterThan(15 * MEGABYTE)
  write(20)
  const grownOn = (await collected()).rss - before - grown
  const shown = [budget.bytes, grown, grownOn].map((value) => `${(value / MEGABYTE).toFixed(1)} MiB`)
  console.log(
    `10,000 channels: budget ${shown[0]}, process grew by ${shown[1]} to fill it, and by ${shown[2]} in twice the time`,
  )
  expect(grown).toBeLessThan(8 * budget.maxBytes)
  expect(grownOn).toBeLessThan(4 * budget.maxBytes)
  engine.close()
})

test('channels count, however little is in them', () => {
  const { engine, budget } = startMemory(MEGABYTE)
  for (let i = 0; i < 20_000; i++) engine.log.append(`room ${i}`, bytes('x'), KEEP)
  expect(budget.bytes).toBeLessThanOrEqual(MEGABYTE)
  expect(engine.log.size).toBeLessThan(MEGABYTE / MESSAGE_BYTES / 1.5)
  expect(engine.log.size).toBeGreaterThan(500)
  expect(textsOf(engine.log.read('room 19999', null, 1))).toEqual(['x'])
  expect(engine.log.read('room 0', null, 1).top).toBe(0)
})

test('a subscribed channel keeps its epoch when its messages go for others, and tells of the gap', () => {
  const { engine } = startMemory(MEGABYTE)
  engine.bus.subscribe(['quiet'])
  const { epoch } = engine.log.append('quiet', bytes('one'), KEEP).position
  for (let i = 0; i < 5_000; i++) engine.log.append('busy', new Uint8Array(500), KEEP)
  expect(engine.log.read('quiet', { epoch, offset: 0 }, 1)).toEqual({ epoch, items: [], top: 1, isGapless: false })
  expect(engine.log.read('quiet', { epoch, offset: 1 }, 1)).toEqual({ epoch, items: [], top: 1, isGapless: true })
  expect(engine.log.append('quiet', bytes('two'), KEEP).position).toEqual({ epoch, offset: 2 })
})

test('a channel is not forgotten by the very frame that pushes its last message out', () => {
  const { engine } = startMemory(MEGABYTE)
  const { epoch } = engine.log.append('room', bytes('one'), KEEP).position
  const { position } = engine.log.append('room', bytes('larger than that'), { ...KEEP, bytes: 10 }, 'key')
  expect(position).toEqual({ epoch, offset: 2 })
  expect(textsOf(engine.log.retained('room'))).toEqual(['larger than that'])
  expect(engine.log.append('room', bytes('three'), KEEP).position).toEqual({ epoch, offset: 3 })
})

test('a channel is forgotten with the last value that goes for others', () => {
  const { engine, budget } = startMemory(MEGABYTE)
  for (let i = 0; i < 5_000; i++) engine.log.append(`room ${i}`, bytes('value'), NOTHING, 'key')
  expect(engine.log.size).toBeLessThanOrEqual(MEGABYTE / 2 / MESSAGE_BYTES)
  expect(budget.bytes).toBeLessThanOrEqual(MEGABYTE)
})

test('messages go before what is retained', () => {
  const { engine, budget } = startMemory(MEGABYTE)
  engine.log.append('state', bytes('retained'), NOTHING, 'key')
  for (let i = 0; i < 5_000; i++) engine.log.append('busy', new Uint8Array(500), KEEP)
  expect(budget.bytes).toBeGreaterThan(0.99 * MEGABYTE)
  expect(textsOf(engine.log.retained('state'))).toEqual(['retained'])
  expect(engine.log.read('busy', null, 10_000).items.length).toBeGreaterThan(900)
})

test('what is retained takes half of the memory at most, the longest unchanged of all goes, and its channel tells', () => {
  const { engine, budget } = startMemory(MEGABYTE)
  engine.log.append('first', bytes('old'), NOTHING, 'key')
  const { epoch } = engine.log.append('first', bytes('kept'), KEEP).position
  for (let i = 0; i < 1_000; i++) engine.log.append('second', new Uint8Array(1_000), NOTHING, `key ${i}`)
  expect(budget.bytes).toBeLessThan(MEGABYTE / 2 + 5_000)
  expect(engine.log.retained('first')).toEqual({ epoch, items: [], top: 2, isGapless: false })
  expect(textsOf(engine.log.read('first', null, 10))).toEqual(['kept'])
  const { items, isGapless } = engine.log.retained('second')
  expect([items.at(-1)?.offset, isGapless]).toEqual([1_000, false])
  expect(items.length).toBeGreaterThan(300)
})

test('a value that is too large to be retained takes the place of the one before, and no other has to go for it', () => {
  const { engine } = startMemory(MEGABYTE)
  engine.bus.subscribe(['room'])
  engine.log.append('room', bytes('small'), NOTHING, 'key')
  engine.log.append('room', bytes('other'), NOTHING, 'other')
  engine.log.append('room', new Uint8Array(MEGABYTE), NOTHING, 'key')
  const page = engine.log.retained('room')
  expect([textsOf(page), page.isGapless]).toEqual([['other'], false])
})

test('values of all channels stay within the memory they have, and give it back', () => {
  const { engine, budget } = startMemory(MEGABYTE)
  for (let i = 0; i < 50_000; i++) engine.log.append(`room ${i % 700}`, bytes('value'), NOTHING, `key ${i % 1_300}`)
  expect(budget.bytes).toBeLessThanOrEqual(MEGABYTE)
  for (let i = 0; i < 2 * LIMITS.retainedKeys; i++) engine.log.append('one', bytes('value'), NOTHING, `key ${i}`)
  expect(budget.bytes).toBeLessThanOrEqual(MEGABYTE)
  engine.close()
  expect(budget.bytes).toBe(0)
})
