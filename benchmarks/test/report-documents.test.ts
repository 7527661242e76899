import { expect, test } from 'vitest'
import { reportDocument } from '../src/report/document'
import { escapeMarkdown, markdownTable } from '../src/report/markdown'
import { plotsOf } from '../src/report/plots'
import { readmeSection, readmeTable } from '../src/report/readme-section'
import { fakeMetric, fakeMode, fakeResults } from './fake-results'

const mode = fakeMode('ack', {
  'raw-uws': [1, 1, 1],
  roomcast: [2, 2.2, 2.1],
  'roomcast-history': [3, 3, 3],
  'raw-ws': [1.5, 1.6, 1.7],
})

/** Cells of the row that begins with `first`, below the heading `heading`. */
function cellsOf(document: string, heading: string, first: string): string[] | undefined {
  const section = document.split(`\n${heading}\n`)[1]?.split('\n#')[0] ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('| '))
  return rows.map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim())).find((cells) => cells[1] === first)
}

test('text cannot break out of a cell', () => {
  expect(escapeMarkdown('a|b\nc *d* [e](f) <g> `h` i_j \\')).toBe(
    'a\\|b c \\*d\\* \\[e\\](f) \\<g\\> \\`h\\` i\\_j \\\\',
  )
})

test('a table has its columns under each other', () => {
  const columns = [
    { title: 'Peer', align: 'left' },
    { title: 'x', align: 'right' },
  ] as const
  expect(markdownTable(columns, [['somebody', '1.00'], ['a']])).toEqual([
    '| Peer     |    x |',
    '| -------- | ---: |',
    '| somebody | 1.00 |',
    '| a        |      |',
  ])
})

test('the report says what it ran on, who is missing and why', () => {
  const document = reportDocument(
    fakeResults([mode], {
      missing: [{ name: 'bun', label: 'Bun', reason: 'no bun' }],
      remarks: ['fewer connections'],
    }),
    [],
  )
  const run = (first: string) => cellsOf(`\n${document}`, '# Results of the benchmarks', first)?.[2]
  expect(run('Date')).toBe('2026-01-02T03:04:05.678Z')
  expect(run('Duration')).toBe('2 min 5 s')
  expect(run('Command')).toBe('`npm run bench`')
  expect(run('Machine')).toBe('2 x CPU')
  expect(run('Load average before')).toBe('0.3')
  expect(run('Packages')).toBe('uws-pack 1.2.3')
  expect(run('Missing')).toBe('Bun: no bun')
  expect(run('Remark')).toBe('fewer connections')
  expect(document).toContain('## mode ack (`ack`)\n\n3 rounds; a load \\| in words.')
})

test('each metric has a table in which a peer that is better than Roomcast is bold', () => {
  const document = reportDocument(fakeResults([mode]), [])
  const row = (first: string) => cellsOf(document, '### Title of ack', first)?.slice(2, -1)
  expect(row('raw uWebSockets.js')).toEqual(['1', '', '1.00', '', '0.48', ''])
  expect(row('Roomcast')).toEqual(['2.10', '2–2.20', '2.10', '2.00–2.20', '1.00', '1.5, **over**'])
  expect(row('raw ws')).toEqual(['1.60', '1.50–1.70', '1.60', '1.50–1.70', '**0.75**', ''])
  expect(document).toContain('A room with history costs 1.43 times one without (1.36 .. 1.50).')
})

test('where a peer is better, and every bound, are in lists of their own', () => {
  const document = reportDocument(fakeResults([mode]), [])
  expect(cellsOf(document, '## Where a peer is better than Roomcast', 'title of ack')?.slice(2, -1)).toEqual([
    'raw ws',
    '1.60',
    'µs server CPU per message',
    '0.75 (0.73–0.81)',
    'yes',
  ])
  expect(document).toContain('is better in 1 of 1 tables')
  expect(document).toContain('0 of 1 are kept.')
  expect(cellsOf(document, '## Bounds', 'title of ack')?.slice(2, -1)).toEqual([
    'Roomcast',
    '1.5',
    '2.10 (2.00–2.20)',
    '**over**',
  ])
  const worse = fakeMode('ack', { 'raw-uws': [1], roomcast: [1.2], 'raw-ws': [3] })
  expect(reportDocument(fakeResults([worse]), [])).toContain('## Where a peer is better than Roomcast\n\nIn no table.')
})

test('a variant of a micro benchmark is compared with its namesake in Roomcast, or with the cheapest one', () => {
  const row = (name: string, median: number) => {
    const spread = { median, min: median, max: median * 2 }
    return { name, value: spread, ratio: spread }
  }
  const rows = [
    row('Socket.IO: adapter', 2),
    row('Socket.IO: socket', 4),
    row('JSON', 2),
    row('Roomcast: adapter', 1),
    row('Roomcast: socket', 5),
  ]
  const document = reportDocument(
    fakeResults([], {
      micro: [
        { title: 'join a room', unit: 'ns', baseline: 'JSON', rows },
        { title: 'parts of it', unit: 'ns', baseline: 'one', rows: [row('one', 1), row('two', 2)] },
      ],
    }),
    [],
  )
  const ratio = (name: string) => cellsOf(document, '### Join a room', name)?.[4]
  expect(['Socket.IO: adapter', 'Socket.IO: socket', 'JSON', 'Roomcast: socket'].map(ratio)).toEqual([
    '2.00',
    '**4.00**',
    '2.00',
    '5.00',
  ])
  expect(cellsOf(document, '### What costs less than in Roomcast', 'join a room')?.slice(2, -1)).toEqual([
    'Socket.IO: socket',
    '4',
    'Roomcast: socket',
    '5',
    'ns',
  ])
  expect(cellsOf(document, '### Parts of it', 'one')?.slice(2, -1)).toEqual(['1', '1–2', '1.00', '1.00–2.00'])
})

test('scenarios are in the report, with their bounds', () => {
  const document = reportDocument(
    fakeResults([], {
      scenarios: [
        {
          scenario: 'paused-latency',
          settings: { rounds: 1, windowMs: 2, connections: 3 },
          lines: ['a  line'],
          verdicts: [
            { claim: 'one', isKept: true },
            { claim: 'two', isKept: false },
          ],
          samples: {},
        },
      ],
    }),
    [],
  )
  expect(document).toContain('```\na  line\n```\n\n- kept: one\n- **NOT KEPT**: two')
})

test('images stand where they belong', () => {
  const memory = fakeMode('idle', { 'raw-uws': [1_000], roomcast: [2_000] })
  const results = fakeResults([mode, memory])
  const plots = plotsOf(results.modes, 'x-')
  expect(plots.map(({ file, section }) => [file, section])).toEqual([
    ['x-main.svg', ''],
    ['x-memory.svg', 'idle'],
  ])
  const document = reportDocument(results, plots)
  expect(document.indexOf('](x-main.svg)')).toBeLessThan(document.indexOf('## Bounds'))
  expect(document.indexOf('](x-memory.svg)')).toBeGreaterThan(document.indexOf('## mode idle'))
})

test('the README has the metrics with bounds, a row for each option of Roomcast, and no empty column', () => {
  const memory = fakeMode(
    'idle',
    { 'raw-uws': [1_000], roomcast: [1_200], 'raw-ws': [3_000] },
    { metric: { ...fakeMetric('idle'), unit: 'bytes of server RSS' } },
  )
  expect(readmeTable([...mode.tables, ...memory.tables])).toEqual([
    '|                             | Roomcast         | raw `ws` | bound     |',
    '| --------------------------- | ---------------- | -------- | --------- |',
    '| title of ack                | 2.10 (2.00–2.20) | **1.60** | 1.5, over |',
    '| the same, room with history | 3.00             |          |           |',
    '| title of idle               | 1.20, 1.2 KB     | 3.00     | 1.5       |',
  ])
  const section = readmeSection(fakeResults([mode, memory]))
  expect(section).toContain('2026-01-02, 3 rounds, on 2 x CPU, Node.js 20.0.0; uws-pack 1.2.3.')
  expect(section).toContain('(benchmarks/results/main.svg)')
})
