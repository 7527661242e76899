import { formatNumber } from './format'
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
    '  bound',
  ].join('')
  const lines = [`${metric.title}: ${metric.unit}`, '', head, ...rows.map((row) => formatRow(row, labelWidth))]
  if (compared.length > 0) lines.push('', ...compared.map(formatCompared))
  return lines.map((line) => line.trimEnd()).join('\n')
}

/** "a room with history costs 1.05 times one without (0.97 .. 1.14)". */
export function formatCompared({ subject, counterpart, ratio }: ComparedRow): string {
  const { median, min, max } = ratio
  return `${subject} costs ${formatNumber(median)} times ${counterpart} (${formatNumber(min)} .. ${formatNumber(max)})`
}

function formatRow({ label, value, ratio, bound }: Row, labelWidth: number): string {
  const verdict = bound === undefined ? '' : `  <= ${bound.limit} ${bound.isKept ? 'ok' : 'over'}`
  return `${label.padEnd(labelWidth)}${formatColumns(value)}${formatColumns(ratio)}${verdict}`
}

function formatColumns({ median, min, max }: Spread): string {
  return (
    formatNumber(median).padStart(VALUE_WIDTH) + `${formatNumber(min)} .. ${formatNumber(max)}`.padStart(SPREAD_WIDTH)
  )
}
