import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeReport, writeResults } from '../src/report/files'
import { parseResults, readResults, serializeResults } from '../src/report/results-file'
import { fakeMode, fakeResults } from './fake-results'

const mode = fakeMode('ack', { 'raw-uws': [1, 2, 3], roomcast: [1.23456789, 3, 4], 'raw-ws': [2, 5, 6] })

let folder = ''
beforeEach(() => {
  folder = `${mkdtempSync(path.join(tmpdir(), 'results-'))}/`
})
afterEach(() => rmSync(folder, { recursive: true }))

test('results come back from their file as they were, to five digits', () => {
  const results = fakeResults([mode, fakeMode('idle', { 'raw-uws': [1], roomcast: [Number.NaN] })], {
    remarks: ['a remark'],
    micro: [{ title: 'encode', unit: 'ns', baseline: 'a', rows: [] }],
  })
  const read = parseResults(serializeResults(results))
  expect(read).toMatchObject({ command: 'npm run bench', remarks: ['a remark'], micro: results.micro })
  expect(read.modes.map(({ name, samples }) => [name, samples.length])).toEqual([
    ['ack', 9],
    ['idle', 2],
  ])
  expect(read.modes[0]?.tables[0]?.metric).toEqual(mode.tables[0]?.metric)
  expect(read.modes[0]?.samples.find(({ peer }) => peer === 'roomcast')?.value).toBe(1.2346)
  expect(read.modes[1]?.samples[1]?.value).toBeNaN()
  expect(serializeResults(read)).toBe(serializeResults(results))
})

test('a results file has a line for each sample', () => {
  const lines = serializeResults(fakeResults([mode])).split('\n')
  expect(lines.filter((line) => line.startsWith('{"metric":"ack",'))).toHaveLength(9)
})

test('a file of another form is refused, by its name', () => {
  writeFileSync(`${folder}old.json`, '{"tables":[]}')
  expect(() => readResults(`${folder}old.json`)).toThrow(/old\.json: .*format/)
  expect(() => readResults(`${folder}none.json`)).toThrow('none.json')
})

test('a partial run leaves the report of the whole alone, and no image of the run before it', () => {
  writeFileSync(`${folder}report.md`, 'kept')
  writeFileSync(`${folder}main.svg`, 'kept')
  writeFileSync(`${folder}latest-memory.svg`, 'old')
  const { files, results } = writeResults(folder, fakeResults([mode]), false)
  expect(files).toEqual(['latest.json', 'latest.md', 'latest-main.svg'])
  expect(results.comparison).toBeUndefined()
  expect(readdirSync(folder).sort()).toEqual([...files, 'main.svg', 'report.md'].sort())
  expect(readFileSync(`${folder}report.md`, 'utf8')).toBe('kept')
  expect(readFileSync(`${folder}latest.md`, 'utf8')).toContain('](latest-main.svg)')
})

test('a run of everything is compared with the report whose place it takes', () => {
  const first = writeResults(folder, fakeResults([mode]), true)
  expect(first.files).toEqual(['latest.json', 'report.json', 'report.md', 'main.svg'])
  expect(first.results.comparison).toBeUndefined()
  const slower = fakeMode('ack', { 'raw-uws': [1], roomcast: [9], 'raw-ws': [2] })
  const { results } = writeResults(folder, fakeResults([slower], { date: '2026-02-01T00:00:00.000Z' }), true)
  expect(results.comparison).toMatchObject({ earlierDate: '2026-01-02T03:04:05.678Z', compared: 2 })
  expect(readResults(`${folder}report.json`).comparison).toEqual(results.comparison)
  const report = readFileSync(`${folder}report.md`, 'utf8')
  expect(report).toContain('1 of 2 ratios within 15 %')
})

test('a report that is made again from its results file is the same', () => {
  writeResults(folder, fakeResults([mode]), true)
  const read = () => readdirSync(folder).map((name) => readFileSync(`${folder}${name}`, 'utf8'))
  const before = read()
  writeReport(folder, 'report', readResults(`${folder}report.json`))
  expect(read()).toEqual(before)
})

test('a report that cannot be read does not cost the run its results', () => {
  writeFileSync(`${folder}report.json`, 'no JSON')
  const { results } = writeResults(folder, fakeResults([mode]), true)
  expect(results.comparison).toBeUndefined()
  expect(results.remarks[0]).toMatch(/^not compared with the report before: report\.json: /)
  expect(readResults(`${folder}report.json`).modes).toHaveLength(1)
})
