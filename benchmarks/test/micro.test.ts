import { expect, test } from 'vitest'
import type { MicroResult } from '../micro/micro-case'
import { microTablesOf } from '../micro/micro-tables'
import { formatMicroTable } from '../micro/micro-text'
import { isSameValue, variantsOf } from '../micro/variants'
import { PAYLOADS } from '../src/payloads'

const round = (msgpackr: number, roomcast: number): MicroResult[] => [
  {
    title: 'encode tick',
    baseline: 'msgpackr',
    values: [
      { name: 'Roomcast', value: roomcast },
      { name: 'msgpackr', value: msgpackr },
    ],
  },
]

test('variants of a value are all different and have its shape', () => {
  for (const value of Object.values(PAYLOADS)) {
    const variants = variantsOf<unknown>(value, 16)
    expect(variants[0]).toBe(value)
    const differs = variants.every((one, i) => variants.every((other, j) => i === j || !isSameValue(one, other)))
    expect(differs).toBe(true)
  }
  const [, second, third] = variantsOf({ id: 1, at: 0.5, name: 'Ada Lovelace', on: true, tags: ['a', null] }, 4)
  expect(second).toEqual({ id: 2, at: 0.75, name: 'Ada Lovelax1', on: true, tags: ['x1', null] })
  expect(third).toEqual({ id: 3, at: 1, name: 'Ada Lovelaxx2', on: true, tags: ['xx2', null] })
})

test('values are the same by their content, and bytes whatever holds them', () => {
  expect(isSameValue({ a: [1, 'x', null] }, { a: [1, 'x', null] })).toBe(true)
  expect(isSameValue([Uint8Array.of(1, 2)], [Buffer.from([1, 2])])).toBe(true)
  expect(isSameValue(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false)
  expect(isSameValue(Uint8Array.of(1, 2), [1, 2])).toBe(false)
  expect(isSameValue({ a: 1 }, { a: 1, b: 2 })).toBe(false)
  expect(isSameValue({ a: undefined }, { b: undefined })).toBe(false)
  expect(isSameValue([], {})).toBe(false)
  expect(isSameValue(null, {})).toBe(false)
})

test('ratios are taken inside a round, and then their median', () => {
  const [table] = microTablesOf([round(100, 50), round(400, 100), round(200, 200)], 'ns')
  expect(table).toEqual({
    title: 'encode tick',
    unit: 'ns',
    baseline: 'msgpackr',
    rows: [
      { name: 'Roomcast', value: { median: 100, min: 50, max: 200 }, ratio: { median: 0.5, min: 0.25, max: 1 } },
      { name: 'msgpackr', value: { median: 200, min: 100, max: 400 }, ratio: { median: 1, min: 1, max: 1 } },
    ],
  })
})

test('where the baseline allocates nothing there is no ratio', () => {
  const [time] = microTablesOf([round(100, 50)], 'ns')
  const [allocation] = microTablesOf([round(0, 32)], 'bytes')
  expect(allocation?.rows[0]?.ratio.median).toBeNaN()
  if (!time || !allocation) throw new Error('no tables')
  expect(formatMicroTable(time, allocation).split('\n')[3]).toMatch(/^Roomcast +50\.0 +0\.50 +32\.0 +–$/)
})
