import { formatNumber, formatSpread } from '../src/report/format'
import type { MicroTable } from '../src/report/results'

/** At least; longer names make it wider. */
const NAME_WIDTH = 24
const VALUE_WIDTH = 10
const SPREAD_WIDTH = 24

/** Two tables of one group for the terminal, side by side. */
export function formatMicroTable(time: MicroTable, allocation: MicroTable): string {
  const nameWidth = time.rows.reduce((width, { name }) => Math.max(width, name.length + 1), NAME_WIDTH)
  const head = [
    'variant'.padEnd(nameWidth),
    'ns'.padStart(VALUE_WIDTH),
    'x baseline'.padStart(SPREAD_WIDTH),
    'bytes'.padStart(VALUE_WIDTH),
    'x baseline'.padStart(VALUE_WIDTH + 2),
  ]
  const rows = time.rows.map(({ name, value, ratio }, index) => {
    const allocated = allocation.rows[index]
    return [
      name.padEnd(nameWidth),
      formatNumber(value.median).padStart(VALUE_WIDTH),
      formatSpread(ratio).padStart(SPREAD_WIDTH),
      formatNumber(allocated?.value.median ?? Number.NaN).padStart(VALUE_WIDTH),
      formatNumber(allocated?.ratio.median ?? Number.NaN).padStart(VALUE_WIDTH + 2),
    ]
  })
  const title = `${time.title}: ${time.unit}, ${allocation.unit}; baseline: ${time.baseline}`
  return [title, '', ...[head, ...rows].map((cells) => cells.join('').trimEnd())].join('\n')
}
