import type { ComparedRow, Row, Table } from './results'
import type { Spread } from './statistics'

/** At least; longer labels make it wider. */
const LABEL_WIDTH = 20
const VALUE_WIDTH = 8
const SPREAD_WIDTH = 22

/** A table for the terminal. */
export function formatTable({ metric, rows, compared }: Table): string {
  const labelWidth = rows.reduce((width, { label }) => Math.max(width, label.length + 1), LABEL_WIDTH)
  const head = [
    'peer'.padEnd(labelWidth),
    'median'.padStart(VALUE_WIDTH),
    'min .. max'.padStart(SPREAD_WIDTH),
    'x uWS'.padStart(VALUE_WIDTH),
    'min .. max'.padStart(SPREAD_WIDTH),
    '  budget',
  ].join('')
  const lines = [`${metric.title}: ${metric.unit}`, '', head, ...rows.map((row) => formatRow(row, labelWidth))]
  if (compared.length > 0) lines.push('', ...compared.map(formatCompared))
  return lines.map((line) => line.trimEnd()).join('\n')
}

function formatCompared({ subject, counterpart, ratio }: ComparedRow): string {
  const { median, min, max } = ratio
  return `${subject} costs ${formatNumber(median)} times ${counterpart} (${formatNumber(min)} .. ${formatNumber(max)})`
}

function formatRow({ label, value, ratio, budget }: Row, labelWidth: number): string {
  const verdict = budget === undefined ? '' : `  <= ${budget.bound} ${budget.isKept ? 'ok' : 'over'}`
  return `${label.padEnd(labelWidth)}${formatSpread(value)}${formatSpread(ratio)}${verdict}`
}

function formatSpread({ median, min, max }: Spread): string {
  return (
    formatNumber(median).padStart(VALUE_WIDTH) + `${formatNumber(min)} .. ${formatNumber(max)}`.padStart(SPREAD_WIDTH)
  )
}

function formatNumber(value: number): string {
  return value.toFixed(value >= 100 ? 0 : 2)
}
