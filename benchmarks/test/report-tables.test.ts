import { expect, test } from 'vitest'
import { compareRuns, formatComparison } from '../src/report/comparison'
import { betterRows, rowsWithBounds } from '../src/report/findings'
import { formatNumber, formatRange, formatSpread, formatValue } from '../src/report/format'
import { spreadOf } from '../src/report/statistics'
import { formatTable } from '../src/report/text'
import { fakeMetric, fakeMode, fakePeer, fakeResults, PEERS } from './fake-results'

test('a spread has the middle of the values, between the two middle ones if they are even', () => {
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 })
  expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 })
  expect(spreadOf([7])).toEqual({ median: 7, min: 7, max: 7 })
  // By their size, not as text.
  expect(spreadOf([10, 9, 100])).toEqual({ median: 10, min: 9, max: 100 })
})

test('ratios are taken inside each round, and bounds hold for their median', () => {
  // The machine is ten times slower in the second round; the values alone would say nothing.
  const values = {
    'raw-uws': [1, 10, 2],
    roomcast: [1.5, 14, 4],
    'roomcast-history': [1.5, 28, 2],
    'raw-ws': [3, 7, 6],
  }
  const [table] = fakeMode('ack', values).tables
  const rows = new Map(table?.rows.map((row) => [row.peer, row]))
  expect(rows.get('raw-uws')?.ratio).toEqual({ median: 1, min: 1, max: 1 })
  expect(rows.get('roomcast')?.ratio).toEqual({ median: 1.5, min: 1.4, max: 2 })
  expect(rows.get('roomcast')?.bound).toEqual({ limit: 1.5, isKept: true })
  expect(rows.get('raw-ws')?.overOurs).toEqual({ median: 1.5, min: 0.5, max: 2 })
  expect(rows.get('raw-ws')?.bound).toBeUndefined()
  expect(table?.compared).toMatchObject([{ peer: 'roomcast-history', ratio: { median: 1, min: 0.5, max: 2 } }])
})

test('a peer is better than Roomcast by the median of its ratios; the reference and options of Roomcast are not peers', () => {
  const better = fakeMode('better', {
    'raw-uws': [1, 1, 1],
    roomcast: [2, 2, 2],
    'roomcast-history': [1, 1, 1],
    'raw-ws': [1.9, 2.5, 1.9],
  })
  const worse = fakeMode('worse', { 'raw-uws': [1, 1, 1], roomcast: [2, 2, 2], 'raw-ws': [2.1, 1.5, 2.1] })
  const found = betterRows([better, worse])
  expect(found.map(({ table, row }) => [table.metric.id, row.peer])).toEqual([['better', 'raw-ws']])
  const bounds = rowsWithBounds([better, worse])
  expect(bounds.map(({ table, row }) => [table.metric.id, row.peer, row.bound?.isKept])).toEqual([
    ['better', 'roomcast', false],
    ['worse', 'roomcast', false],
  ])
})

test('nobody is better than Roomcast where it has no figure', () => {
  const mode = fakeMode('ack', { 'raw-uws': [1], 'raw-ws': [0.5] })
  expect(betterRows([mode])).toEqual([])
})

test('a table for the terminal has a line for each peer, and what history costs', () => {
  const mode = fakeMode('ack', { 'raw-uws': [1], roomcast: [2], 'roomcast-history': [3] })
  const lines = formatTable(mode.tables[0] as never).split('\n')
  expect(lines.find((line) => line.startsWith('Roomcast '))).toMatch(/2\.00 +2\.00 \.\. 2\.00 +2\.00 .*<= 1\.5 over$/)
  expect(lines.at(-1)).toBe('a room with history costs 1.50 times one without (1.50 .. 1.50)')
})

test('numbers have as many digits as are worth reading, and none if there is no number', () => {
  expect([0.0123, 0.5, 1, 9.876, 12.34, 123.4, 12_345.6].map(formatNumber)).toEqual([
    '0.012',
    '0.50',
    '1.00',
    '9.88',
    '12.3',
    '123',
    '12,346',
  ])
  expect([0.0994, 0.0996, 9.994, 9.996, 99.94, 99.96].map(formatNumber)).toEqual([
    '0.099',
    '0.10',
    '9.99',
    '10.0',
    '99.9',
    '100',
  ])
  expect([Number.NaN, Number.POSITIVE_INFINITY].map(formatNumber)).toEqual(['–', '–'])
  expect([7, 65_536, 0, 1.5].map(formatValue)).toEqual(['7', '65,536', '0', '1.50'])
  expect(formatRange({ median: 2, min: 1, max: 3 })).toBe('1.00–3.00')
  expect(formatRange({ median: 2, min: -1, max: 3 })).toBe('-1.00 to 3.00')
  expect(formatRange({ median: 2, min: 2, max: 2 })).toBe('')
  expect(formatSpread({ median: 2, min: 2, max: 2 })).toBe('2.00')
  expect(formatSpread({ median: 2, min: 1, max: 3 })).toBe('2.00 (1.00–3.00)')
})

test('two runs are compared in the ratios that both have, within 15 % of the smaller one', () => {
  const run = (ours: number, ws: number, more: Record<string, number[]> = {}) =>
    fakeResults([fakeMode('ack', { 'raw-uws': [1], roomcast: [ours], 'raw-ws': [ws], ...more })])
  const comparison = compareRuns(run(1, 2), run(1.149, 2.31, { 'roomcast-history': [3] }))
  expect(comparison).toMatchObject({
    compared: 2,
    changed: [{ metric: 'title of ack', label: 'raw ws', earlier: 2, later: 2.31 }],
    remarks: [],
  })
  // The other way round it is the same.
  expect(compareRuns(run(1.149, 2.31), run(1, 2)).changed).toHaveLength(1)
  expect(formatComparison(comparison)).toMatch(/raw ws +2\.00 -> +2\.31 {2}title of ack\n1 of 2 ratios within 15 %$/)
})

test('micro benchmarks are compared too', () => {
  const run = (median: number) => {
    const spread = { median, min: median, max: median }
    const rows = ['JSON', 'ours'].map((name) => ({ name, value: spread, ratio: spread }))
    return fakeResults([], { micro: [{ title: 'encode', unit: 'ns', baseline: 'JSON', rows }] })
  }
  expect(compareRuns(run(1), run(2))).toMatchObject({
    compared: 1,
    changed: [{ metric: 'encode', label: 'ours', earlier: 1, later: 2 }],
  })
})

test('a comparison says what else was different, and leaves out what has no ratio', () => {
  const peers = [...PEERS, fakePeer('other')]
  const mode = fakeMode('ack', { 'raw-uws': [0], roomcast: [1], other: [0] }, { peers, metric: fakeMetric('ack') })
  const { remarks, compared } = compareRuns(
    fakeResults([mode]),
    fakeResults([mode], { settings: { windowMs: 2, members: 1 } }),
  )
  expect(compared).toBe(0)
  expect(remarks).toHaveLength(1)
  expect(remarks[0]).toContain('settings: ')
})
