import { OURS, REFERENCE } from '../peers'
import { type Bar, type BarChart, type BarKind, barChart, type Panel } from './bar-chart'
import { isBetterThanOurs, isOurs } from './findings'
import { capitalized, formatKilobytes, formatValue } from './format'
import type { ModeResult, Row, Table } from './results'

/** An image beside the report. */
export interface Plot {
  readonly file: string
  /** Name of the mode under which it stands; '' is the beginning of the report. */
  readonly section: string
  /** What it shows, in words. */
  readonly alt: string
  readonly svg: string
}

/** Modes with an image of their own: those whose tables are one thing at several places. */
const OWN_PLOTS: readonly { readonly mode: string; readonly file: string }[] = [
  { mode: 'latency', file: 'latency.svg' },
  { mode: 'sizes', file: 'sizes.svg' },
  { mode: 'payloads', file: 'payloads.svg' },
  { mode: 'idle', file: 'memory.svg' },
  { mode: 'wire', file: 'wire.svg' },
]

const LEGEND: BarChart['legend'] = {
  ours: 'Roomcast',
  variant: 'Roomcast with an option',
  other: 'another peer',
  better: 'another peer that is better than Roomcast',
}
const SUBTITLE =
  'Ratio to raw uWebSockets.js in the same round, median of the rounds, on a logarithmic scale. Less is better.'

/**
 * Every image of a run: the metrics with bounds in one, and modes with one of their own. Without a table there is no image.
 *
 * @param prefix  Beginning of the file names.
 */
export function plotsOf(modes: readonly ModeResult[], prefix: string): Plot[] {
  const tables = modes.flatMap((mode) => mode.tables)
  const bounded = tables.filter(({ rows }) => rows.some(({ bound }) => bound !== undefined))
  const main = plotOf(`${prefix}main.svg`, '', 'What has a bound, in Roomcast and its peers', bounded, false)
  const own = OWN_PLOTS.flatMap(({ mode, file }) => {
    const result = modes.find(({ name }) => name === mode)
    return result === undefined
      ? []
      : [plotOf(`${prefix}${file}`, mode, capitalized(result.title), result.tables, true)]
  })
  return [main, ...own].filter((plot) => plot !== undefined)
}

function plotOf(
  file: string,
  section: string,
  title: string,
  tables: readonly Table[],
  hasValues: boolean,
): Plot | undefined {
  if (tables.length === 0) return undefined
  const alt = `${title}: bars for each peer, as ratios to raw uWebSockets.js. The same numbers are in the tables of the report.`
  const chart: BarChart = {
    title,
    subtitle: hasValues ? `${SUBTITLE} At the right, the value.` : SUBTITLE,
    description: alt,
    legend: LEGEND,
    panels: tables.map((table) => panelOf(table, hasValues)),
  }
  return { file, section, alt, svg: barChart(chart) }
}

/** The reference is the line at 1; a bar of it is there for its value only. */
function panelOf({ metric, rows }: Table, hasValues: boolean): Panel {
  const shown = rows.filter(({ peer }) => hasValues || peer !== REFERENCE)
  const inBytes = metric.unit.startsWith('bytes')
  return {
    title: capitalized(metric.title),
    unit: metric.unit,
    bars: shown.map((row): Bar => {
      const { label, ratio, bound, value } = row
      const text = inBytes && value.median >= 1_000 ? formatKilobytes(value.median) : formatValue(value.median)
      return {
        label,
        kind: kindOf(row),
        ratio,
        ...(bound === undefined ? {} : { limit: bound.limit }),
        ...(hasValues ? { note: text } : {}),
      }
    }),
  }
}

function kindOf(row: Row): BarKind {
  if (row.peer === OURS) return 'ours'
  if (isOurs(row.peer)) return 'variant'
  return isBetterThanOurs(row) ? 'better' : 'other'
}
