import { counterpartOf, isCheaperThanOurs } from './findings'
import { capitalized, formatNumber, formatRange, formatValue } from './format'
import { type Column, escapeMarkdown, markdownTable } from './markdown'
import type { MicroRow, MicroTable } from './results'

/*
 * The micro benchmarks in the report: what is cheaper than in Roomcast, then every table.
 */

const left = (title: string): Column => ({ title, align: 'left' })
const right = (title: string): Column => ({ title, align: 'right' })

/** Sections with their headings; none without tables. */
export function microSections(tables: readonly MicroTable[]): string[][] {
  if (tables.length === 0) return []
  return [
    [
      '## Micro benchmarks',
      '',
      'One function after the other, in one process, without a network. Where a ratio is bold, that variant costs less than its',
      'counterpart in Roomcast: the one with the same name after the colon, or else the cheapest one of Roomcast.',
    ],
    cheaperSection(tables),
    ...tables.map(tableSection),
  ]
}

function cheaperSection(tables: readonly MicroTable[]): string[] {
  const rows = tables.flatMap((table) =>
    table.rows
      .filter((row) => isCheaperThanOurs(row, table))
      .map((row) => [
        escapeMarkdown(table.title),
        escapeMarkdown(row.name),
        formatValue(row.value.median),
        escapeMarkdown(counterpartOf(row, table)?.name ?? ''),
        formatValue(counterpartOf(row, table)?.value.median ?? Number.NaN),
        escapeMarkdown(table.unit),
      ]),
  )
  if (rows.length === 0) return []
  const columns = [
    left('What'),
    left('Variant'),
    right('Its median'),
    left('Counterpart'),
    right('Its median'),
    left('Unit'),
  ]
  return ['### What costs less than in Roomcast', '', ...markdownTable(columns, rows)]
}

function tableSection(table: MicroTable): string[] {
  const { title, unit, baseline, rows } = table
  const columns = [
    left('Variant'),
    right(escapeMarkdown(unit)),
    right('range'),
    right(`× ${escapeMarkdown(baseline)}`),
    right('range'),
  ]
  const cells = (row: MicroRow) => {
    const ratio = formatNumber(row.ratio.median)
    return [
      escapeMarkdown(row.name),
      formatValue(row.value.median),
      formatRange(row.value, formatValue),
      isCheaperThanOurs(row, table) ? `**${ratio}**` : ratio,
      formatRange(row.ratio),
    ]
  }
  return [`### ${escapeMarkdown(capitalized(title))}`, '', ...markdownTable(columns, rows.map(cells))]
}
