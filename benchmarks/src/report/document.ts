import { REFERENCE } from '../peers'
import { formatAgreement } from './comparison'
import { betterRows, isBetterThanOurs, rowsWithBounds } from './findings'
import { capitalized, formatNumber, formatRange, formatSpread, formatValue } from './format'
import { type Column, escapeMarkdown, markdownTable } from './markdown'
import { microSections } from './micro-sections'
import type { Plot } from './plots'
import type { ModeResult, Results, Row, RunComparison, Table } from './results'
import { formatCompared } from './text'

/*
 * The report of a run as one Markdown document: what it ran on, what it found, and every table.
 */

const left = (title: string): Column => ({ title, align: 'left' })
const right = (title: string): Column => ({ title, align: 'right' })

/**
 * The whole document.
 *
 * @param plots  Images that lie beside it.
 */
export function reportDocument(results: Results, plots: readonly Plot[]): string {
  const { modes, micro, scenarios, comparison } = results
  const plotsOf = (section: string) => plots.filter((plot) => plot.section === section).flatMap(image)
  const blocks = [
    ['# Results of the benchmarks', '', 'Written by the run itself: do not edit it, run it again.'],
    runSection(results),
    READING,
    plotsOf(''),
    betterSection(modes),
    boundsSection(modes),
    ...modes.flatMap((mode) => [modeHead(mode), plotsOf(mode.name), ...mode.tables.map(tableSection)]),
    ...microSections(micro),
    ...(scenarios.length === 0 ? [] : [['## Scenarios'], ...scenarios.map(scenarioSection)]),
    ...(comparison === undefined ? [] : [comparisonSection(comparison)]),
  ]
  const text = blocks.filter((lines) => lines.length > 0).map((lines) => lines.join('\n'))
  return `${text.join('\n\n')}\n`
}

function runSection({ date, seconds, command, environment, missing, remarks }: Results): string[] {
  const { machine, loadAverage, node, pinning, packages } = environment
  const versions = Object.entries(packages).map((entry) => entry.join(' '))
  const rows: [string, string][] = [
    ['Date', date],
    ['Duration', `${Math.floor(seconds / 60)} min ${seconds % 60} s`],
    ['Command', `\`${command}\``],
    ['Machine', escapeMarkdown(machine)],
    ['Load average before', loadAverage.toFixed(1)],
    ['Processes', escapeMarkdown(`${pinning}; loopback; a fresh server and a fresh load for every peer and round`)],
    ['Node.js', node],
    ['Packages', escapeMarkdown(versions.join(', '))],
    ['Missing', missing.length === 0 ? 'nobody' : escapeMarkdown(missing.map(missingText).join('; '))],
    ...remarks.map((remark): [string, string] => ['Remark', escapeMarkdown(remark)]),
  ]
  return markdownTable([left('Run'), left('')], rows)
}

function missingText({ label, reason }: Results['missing'][number]): string {
  return `${label}: ${reason}`
}

const READING = [
  '## How to read it',
  '',
  'Every figure is what something costs a peer: less is better. Each round measures every peer once, and a table shows the',
  'median of the rounds and their range. **× raw uWS** is the ratio to raw uWebSockets.js in the same round: a slow hour is in',
  'both and falls out, so compare ratios, not microseconds, with other machines. **× Roomcast** is the ratio to Roomcast in',
  'the same way; where it is bold and below 1, that peer is better than Roomcast. A bound is the largest ratio to raw uWS that',
  'a peer is meant to have; the median has to keep it. The raw peers echo bytes without looking at them: they are the floor, not a',
  'competitor. [How it is measured](../README.md).',
]

function betterSection(modes: readonly ModeResult[]): string[] {
  const tables = modes.flatMap((mode) => mode.tables)
  if (tables.length === 0) return []
  const found = betterRows(modes)
  const below = tables.filter(({ rows }) => rows.some((row) => row.peer === REFERENCE && row.overOurs.median < 1))
  const floor = `Raw uWebSockets.js, the floor, is better in ${below.length} of ${tables.length} tables; it is not in this list.`
  const head = ['## Where a peer is better than Roomcast', '']
  if (found.length === 0) return [...head, `In no table. ${floor}`]
  const rows = found.map(({ table, row }) => [
    escapeMarkdown(table.metric.title),
    escapeMarkdown(row.label),
    formatValue(row.value.median),
    escapeMarkdown(table.metric.unit),
    formatSpread(row.overOurs),
    row.overOurs.max < 1 ? 'yes' : 'no',
  ])
  const columns = [
    left('What'),
    left('Peer'),
    right('Its median'),
    left('Unit'),
    right('× Roomcast'),
    left('In every round'),
  ]
  return [...head, floor, '', ...markdownTable(columns, rows)]
}

function boundsSection(modes: readonly ModeResult[]): string[] {
  const found = rowsWithBounds(modes)
  if (found.length === 0) return []
  const over = found.filter(({ row }) => row.bound?.isKept === false)
  const rows = found.map(({ table, row }) => [
    escapeMarkdown(table.metric.title),
    escapeMarkdown(row.label),
    `${row.bound?.limit}`,
    formatSpread(row.ratio),
    row.bound?.isKept ? 'kept' : '**over**',
  ])
  const columns = [left('What'), left('Peer'), right('Bound'), right('× raw uWS'), left('')]
  return [
    '## Bounds',
    '',
    `${found.length - over.length} of ${found.length} are kept.`,
    '',
    ...markdownTable(columns, rows),
  ]
}

function modeHead({ name, title, rounds, load }: ModeResult): string[] {
  const times = rounds === 1 ? 'One round' : `${rounds} rounds`
  return [`## ${escapeMarkdown(title)} (\`${name}\`)`, '', `${times}; ${escapeMarkdown(load)}.`]
}

function tableSection({ metric, rows, compared }: Table): string[] {
  const hasBounds = rows.some(({ bound }) => bound !== undefined)
  const columns = [
    left('Peer'),
    right(escapeMarkdown(metric.unit)),
    right('range'),
    right('× raw uWS'),
    right('range'),
    right('× Roomcast'),
    ...(hasBounds ? [left('Bound')] : []),
  ]
  const lines = markdownTable(
    columns,
    rows.map((row) => [...rowCells(row), ...(hasBounds ? [boundText(row)] : [])]),
  )
  const remarks = compared.flatMap((row) => ['', `${escapeMarkdown(capitalized(formatCompared(row)))}.`])
  return [`### ${escapeMarkdown(capitalized(metric.title))}`, '', ...lines, ...remarks]
}

function rowCells(row: Row): string[] {
  const overOurs = formatNumber(row.overOurs.median)
  return [
    escapeMarkdown(row.label),
    formatValue(row.value.median),
    formatRange(row.value, formatValue),
    formatNumber(row.ratio.median),
    formatRange(row.ratio),
    isBetterThanOurs(row) ? `**${overOurs}**` : overOurs,
  ]
}

function boundText({ bound }: Row): string {
  return bound === undefined ? '' : `${bound.limit}, ${bound.isKept ? 'kept' : '**over**'}`
}

function scenarioSection({ scenario, settings, lines, verdicts }: Results['scenarios'][number]): string[] {
  const { rounds, windowMs, connections } = settings
  return [
    `### \`${scenario}\``,
    '',
    `Rounds ${rounds}, windows of ${windowMs} ms, connections ${connections}.`,
    '',
    '```',
    ...lines,
    '```',
    '',
    ...verdicts.map(({ claim, isKept }) => `- ${isKept ? 'kept' : '**NOT KEPT**'}: ${escapeMarkdown(claim)}`),
  ]
}

function comparisonSection({ earlierDate, compared, changed, remarks }: RunComparison): string[] {
  const rows = changed.map(({ metric, label, earlier, later }) => [
    escapeMarkdown(metric),
    escapeMarkdown(label),
    formatNumber(earlier),
    formatNumber(later),
  ])
  const columns = [left('What'), left('Peer'), right('Ratio before'), right('now')]
  return [
    '## Against the report before this',
    '',
    `The run of ${earlierDate}, median by median: ${formatAgreement({ compared, changed })}.`,
    ...remarks.map((remark) => `\n- ${escapeMarkdown(remark)}`),
    ...(rows.length === 0 ? [] : ['', ...markdownTable(columns, rows)]),
  ]
}

function image({ file, alt }: Plot): string[] {
  return [`![${escapeMarkdown(alt)}](${file})`]
}
