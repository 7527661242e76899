import type { Row, Table } from './results'
import type { Spread } from './statistics'

const LABEL_WIDTH = 20
const VALUE_WIDTH = 8
const SPREAD_WIDTH = 22

/** A table for the terminal. */
export function formatTable({ metric, rows }: Table): string {
  const head = [
    'peer'.padEnd(LABEL_WIDTH),
    'median'.padStart(VALUE_WIDTH),
    'min .. max'.padStart(SPREAD_WIDTH),
    'x uWS'.padStart(VALUE_WIDTH),
    'min .. max'.padStart(SPREAD_WIDTH),
    '  budget',
  ].join('')
  return [`${metric.title}: ${metric.unit}`, '', head, ...rows.map(formatRow)].map((line) => line.trimEnd()).join('\n')
}

function formatRow({ label, value, ratio, budget }: Row): string {
  const verdict = budget === undefined ? '' : `  <= ${budget.bound} ${budget.isKept ? 'ok' : 'over'}`
  return `${label.padEnd(LABEL_WIDTH)}${formatSpread(value)}${formatSpread(ratio)}${verdict}`
}

function formatSpread({ median, min, max }: Spread): string {
  return (
    formatNumber(median).padStart(VALUE_WIDTH) + `${formatNumber(min)} .. ${formatNumber(max)}`.padStart(SPREAD_WIDTH)
  )
}

function formatNumber(value: number): string {
  return value.toFixed(value >= 100 ? 0 : 2)
}
