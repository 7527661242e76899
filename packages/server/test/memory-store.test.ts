import { expect, test } from 'vitest'
import { until } from '../../../test-kit/wait'
import { bytes, numbers, text } from './engine-scene'
import { startMemory } from './memory-support'

const MEGABYTE = 2 ** 20

test('values and windows whose time is over go without being read', async () => {
  const { engine, clock } = startMemory(MEGABYTE)
  const { store } = engine
  for (const number of numbers(1, 1_000)) {
    store.put(number, bytes('value'), 60_000)
    store.consume(number, 1, 2, 60_000)
  }
  store.put('for good', bytes('value'), null)
  const all = store.bytes
  clock.advance(60_000)
  await until(() => clock.wheel.size === 0, 'all of them to end')
  expect(store.bytes).toBeGreaterThan(0)
  expect(store.bytes).toBeLessThan(all / 1_000)
})

test('a value whose time is over is not read, even before anybody has cleared it away', () => {
  const { engine, clock } = startMemory(MEGABYTE)
  const { store } = engine
  for (const key of ['read', 'taken']) store.put(key, bytes('value'), 1_000)
  store.consume('window', 2, 2, 1_000)
  clock.advance(999)
  expect([store.get('read') !== null, store.consume('window', 1, 2, 1_000).isAllowed]).toEqual([true, false])
  clock.advance(1)
  expect([store.get('read'), store.take('taken')]).toEqual([null, null])
  expect(store.consume('window', 1, 2, 1_000)).toEqual({ isAllowed: true, left: 1 })
})

test('a window ends its time after the first use, whatever is used in it', () => {
  const { engine, clock } = startMemory(MEGABYTE)
  const { store } = engine
  for (const left of [9, 8, 7, 6]) {
    expect(store.consume('window', 1, 10, 1_000)).toEqual({ isAllowed: true, left })
    clock.advance(240)
  }
  clock.advance(40)
  expect(store.consume('window', 1, 10, 1_000)).toEqual({ isAllowed: true, left: 9 })
})

test('a value with no time left is gone at once, with the one before', () => {
  const { engine, clock } = startMemory(MEGABYTE)
  engine.store.put('key', bytes('value'), 60_000)
  engine.store.put('key', bytes('value'), 0)
  expect([engine.store.get('key'), engine.store.bytes, clock.wheel.size]).toEqual([null, 0, 0])
})

test('a full store drops the oldest that have a time, and never one without', () => {
  const { engine } = startMemory(MEGABYTE, {}, 100_000)
  const { store } = engine
  store.put('for good', bytes('stays'), null)
  store.consume('window', 2, 2, 60_000)
  for (const number of numbers(1, 1_000)) {
    store.put(number, new Uint8Array(1_000), 60_000)
    expect(store.bytes).toBeLessThanOrEqual(100_000)
  }
  const kept = numbers(1, 1_000).filter((number) => store.get(number) !== null)
  expect(kept.length).toBeGreaterThan(50)
  expect(kept).toEqual(numbers(1_001 - kept.length, 1_000))
  expect(text(store.get('for good') as Uint8Array)).toBe('stays')
  // The window was the oldest.
  expect(store.consume('window', 2, 2, 60_000).isAllowed).toBe(true)
})

test('a value that is put again is a new one, and goes after those put before it', () => {
  const { engine } = startMemory(MEGABYTE, {}, 10_000)
  const { store } = engine
  for (const key of ['a', 'b', 'c']) store.put(key, new Uint8Array(2_000), 60_000)
  store.put('a', new Uint8Array(2_000), 60_000)
  store.put('d', new Uint8Array(2_000), 60_000)
  expect(['a', 'b', 'c', 'd'].filter((key) => store.get(key) !== null)).toEqual(['a', 'c', 'd'])
})

test('what does not fit beside the values that stay is refused with STORE_FULL, and changes nothing', () => {
  const { engine } = startMemory(MEGABYTE, {}, 10_000)
  const { store } = engine
  store.put('for good', new Uint8Array(5_000), null)
  store.put('passing', new Uint8Array(1_000), 60_000)
  const before = store.bytes
  for (const ttlMs of [null, 60_000]) {
    for (const key of ['new', 'passing']) {
      expect(() => store.put(key, new Uint8Array(5_000), ttlMs)).toThrow(
        expect.objectContaining({ code: 'STORE_FULL' }),
      )
    }
  }
  expect([store.get('new'), store.get('passing')?.length, store.bytes]).toEqual([null, 1_000, before])
  store.put('for good', new Uint8Array(9_000), null)
  expect(store.get('for good')?.length).toBe(9_000)
  expect(() => store.consume('window', 1, 2, 60_000)).toThrow(expect.objectContaining({ code: 'STORE_FULL' }))
  expect(store.consume('window', 3, 2, 60_000)).toEqual({ isAllowed: false, left: 2 })
  store.take('for good')
  expect(store.bytes).toBe(0)
})

test('a value and a window of the same key have nothing to do with each other', () => {
  const { store } = startMemory(MEGABYTE).engine
  store.put('key', bytes('value'), null)
  expect(store.consume('key', 1, 2, 60_000)).toEqual({ isAllowed: true, left: 1 })
  store.take('key')
  expect(store.consume('key', 1, 2, 60_000)).toEqual({ isAllowed: true, left: 0 })
})

test('a value is kept in an allocation of exactly its size', () => {
  const { store } = startMemory(MEGABYTE).engine
  store.put('key', Buffer.from('of the pool'), 60_000)
  const kept = store.take('key') as Uint8Array
  expect([kept.constructor, kept.length, kept.buffer.byteLength]).toEqual([Uint8Array, 11, 11])
})
