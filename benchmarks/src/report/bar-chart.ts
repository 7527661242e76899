import { formatNumber, NO_NUMBER } from './format'
import type { Spread } from './statistics'
import { element, escapeXml, textWidth, wrapText } from './svg'

/*
 * Horizontal bars of ratios, on a logarithmic scale around 1. Written by hand, since an image in a repository has to
 * follow the reader's light or dark mode by itself, and to be text where it is text: chart libraries that need no DOM
 * put fixed colours on every mark.
 */

/** What a bar stands for; it has a colour for each. */
export type BarKind = 'ours' | 'variant' | 'better' | 'other'

/** One bar. */
export interface Bar {
  readonly label: string
  readonly kind: BarKind
  /** Ends of the line are `min` and `max`. */
  readonly ratio: Spread
  /** A mark at the ratio that is meant to be kept. */
  readonly limit?: number
  /** Text beside the ratio: the value itself. */
  readonly note?: string
}

/** Bars with a title of their own. */
export interface Panel {
  readonly title: string
  readonly unit: string
  readonly bars: readonly Bar[]
}

/** A whole image. */
export interface BarChart {
  readonly title: string
  readonly subtitle: string
  /** For those who do not see it. */
  readonly description: string
  readonly legend: Readonly<Partial<Record<BarKind, string>>>
  readonly panels: readonly Panel[]
}

const WIDTH = 900
const MARGIN = 20
const GUTTER = 28
const ROW = 16
const BAR = 9
const FONT = 11
const TITLE_FONT = 16
const LINE = 15
const PANEL_GAP = 22
const TICKS = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000,
]
/** Between the middles of two numbers of the scale. */
const TICK_DISTANCE = 26

const STYLE = `
text { font: ${FONT}px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; fill: #1f2328; }
.title { font-size: ${TITLE_FONT}px; font-weight: 600; }
.panel { font-size: 12px; font-weight: 600; }
.strong { font-weight: 600; }
.muted { fill: #59636e; }
.paper { fill: #ffffff; }
.grid { stroke: #d8dee4; }
.one { stroke: #59636e; }
.range { stroke: #1f2328; }
.limit { stroke: #cf222e; stroke-width: 2; }
.ours { fill: #0969da; }
.variant { fill: #80ccff; }
.better { fill: #fb8f44; }
.other { fill: #afb8c1; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; }
.muted { fill: #9198a1; }
.paper { fill: #0d1117; }
.grid { stroke: #30363d; }
.one { stroke: #9198a1; }
.range { stroke: #f0f6fc; }
.limit { stroke: #ff7b72; }
.ours { fill: #1f6feb; }
.variant { fill: #0c4a8f; }
.better { fill: #bd561d; }
.other { fill: #565e67; }
}
`

/** The image as an SVG document of a fixed width. Bars of what is no number are missing, and say so. */
export function barChart(chart: BarChart): string {
  const layout = layoutOf(chart.panels)
  const legend = legendOf(chart, MARGIN + TITLE_FONT + 2 * LINE)
  let y = legend.bottom + PANEL_GAP + LINE / 2
  const parts = [...legend.parts]
  for (let first = 0; first < chart.panels.length; first += layout.columns) {
    const row = chart.panels.slice(first, first + layout.columns)
    const titles = row.map(({ title }) => wrapText(title, 12 * 1.05, layout.width))
    const titleLines = Math.max(...titles.map((lines) => lines.length))
    row.forEach((panel, column) => {
      const x = MARGIN + column * (layout.width + GUTTER)
      parts.push(panelOf(panel, titles[column] ?? [], titleLines, { ...layout, x, y }))
    })
    y += titleLines * LINE + LINE + Math.max(...row.map(({ bars }) => bars.length)) * ROW + LINE + PANEL_GAP
  }
  const height = y - PANEL_GAP + MARGIN
  const head = [
    element('title', { id: 'title' }, escapeXml(chart.title)),
    element('desc', { id: 'desc' }, escapeXml(chart.description)),
    element('style', {}, STYLE),
    element('rect', { class: 'paper', width: WIDTH, height, rx: 6 }),
    text(MARGIN, MARGIN + TITLE_FONT - 4, chart.title, { class: 'title' }),
    text(MARGIN, MARGIN + TITLE_FONT + LINE, chart.subtitle, { class: 'muted' }),
  ]
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${WIDTH} ${Math.ceil(height)}`,
    width: WIDTH,
    height: Math.ceil(height),
    role: 'img',
    'aria-labelledby': 'title desc',
  }
  return `${element('svg', attributes, '\n', [...head, ...parts].join('\n'), '\n')}\n`
}

interface Layout {
  readonly columns: number
  /** Of a panel, of which the parts are labels, bars and numbers. */
  readonly width: number
  readonly labelWidth: number
  readonly barWidth: number
  readonly noteWidth: number
  readonly scale: Scale
}

interface Placed extends Layout {
  readonly x: number
  readonly y: number
}

function layoutOf(panels: readonly Panel[]): Layout {
  const bars = panels.flatMap((panel) => panel.bars)
  const columns = panels.length === 1 ? 1 : 2
  const width = (WIDTH - 2 * MARGIN - (columns - 1) * GUTTER) / columns
  const widest = (texts: readonly string[]) => Math.max(0, ...texts.map((each) => textWidth(each, FONT)))
  const labelWidth = widest(bars.map(({ label }) => label)) + 8
  const ratioWidth = widest(bars.map(({ ratio }) => formatNumber(ratio.median))) + 10
  const noteWidth = widest(bars.map(({ note = '' }) => note))
  const barWidth = width - labelWidth - ratioWidth - (noteWidth === 0 ? 0 : noteWidth + 8)
  return { columns, width, labelWidth, barWidth, noteWidth, scale: scaleOf(bars, barWidth) }
}

/** Where a ratio is, in pixels from the left end of the bars. */
interface Scale {
  at(ratio: number): number
  readonly ticks: readonly number[]
}

function scaleOf(bars: readonly Bar[], width: number): Scale {
  const values = bars.flatMap(({ ratio, limit = 1 }) => [ratio.min, ratio.max, ratio.median, limit]).filter(isDrawable)
  const low = Math.log(Math.min(0.8, ...values.map((value) => value * 0.95)))
  const high = Math.log(Math.max(2, ...values.map((value) => value * 1.05)))
  const at = (ratio: number) => ((Math.log(ratio) - low) / (high - low)) * width
  const ticks: number[] = []
  // From 1 outwards both ways, so that 1 is always there.
  const upward = TICKS.filter((tick) => tick >= 1)
  const downward = TICKS.filter((tick) => tick < 1).reverse()
  for (const list of [upward, downward]) {
    let last = list === upward ? Number.NEGATIVE_INFINITY : at(1)
    for (const tick of list) {
      const place = at(tick)
      if (place < 0 || place > width || Math.abs(place - last) < TICK_DISTANCE) continue
      ticks.push(tick)
      last = place
    }
  }
  return { at, ticks }
}

function panelOf(panel: Panel, titles: readonly string[], titleLines: number, placed: Placed): string {
  const { x, y, labelWidth, scale } = placed
  const left = x + labelWidth
  const top = y + titleLines * LINE + LINE
  const bottom = top + panel.bars.length * ROW
  const grid = scale.ticks.flatMap((tick) => {
    const at = left + scale.at(tick)
    return [
      element('line', { class: tick === 1 ? 'one' : 'grid', x1: at, x2: at, y1: top - 3, y2: bottom + 2 }),
      text(at, bottom + LINE - 1, `${tick.toLocaleString('en')}`, { class: 'muted', 'text-anchor': 'middle' }),
    ]
  })
  return element(
    'g',
    {},
    ...titles.map((line, index) => text(x, y + index * LINE, line, { class: 'panel' })),
    text(x, y + titles.length * LINE, panel.unit, { class: 'muted' }),
    ...grid,
    ...panel.bars.map((bar, index) => barOf(bar, top + index * ROW, placed)),
  )
}

function barOf({ label, kind, ratio, limit, note }: Bar, top: number, placed: Placed): string {
  const { x, width, labelWidth, noteWidth, scale } = placed
  const middle = top + ROW / 2
  const at = (value: number) => x + labelWidth + scale.at(value)
  const strong = kind === 'ours' ? 'strong' : undefined
  const right = x + width
  const parts = [
    element('title', {}, escapeXml(tooltip(label, ratio))),
    text(x + labelWidth - 8, middle + 4, label, { class: strong, 'text-anchor': 'end' }),
    text(right - (noteWidth === 0 ? 0 : noteWidth + 8), middle + 4, formatNumber(ratio.median), {
      class: strong,
      'text-anchor': 'end',
    }),
  ]
  if (note !== undefined) parts.push(text(right, middle + 4, note, { class: 'muted', 'text-anchor': 'end' }))
  if (isDrawable(ratio.median)) {
    const start = Math.min(at(1), at(ratio.median))
    const length = Math.max(1, Math.abs(at(ratio.median) - at(1)))
    parts.push(element('rect', { class: kind, x: start, y: middle - BAR / 2, width: length, height: BAR }))
  }
  if (isDrawable(ratio.min) && isDrawable(ratio.max) && ratio.min < ratio.max)
    parts.push(element('line', { class: 'range', x1: at(ratio.min), x2: at(ratio.max), y1: middle, y2: middle }))
  if (limit !== undefined)
    parts.push(element('line', { class: 'limit', x1: at(limit), x2: at(limit), y1: top + 1, y2: top + ROW - 1 }))
  return element('g', {}, ...parts)
}

function tooltip(label: string, { median, min, max }: Spread): string {
  return isDrawable(median)
    ? `${label}: ${formatNumber(median)} (${formatNumber(min)}–${formatNumber(max)})`
    : `${label}: ${NO_NUMBER}`
}

/** A logarithmic scale has no place for what is 0 or less. */
function isDrawable(ratio: number): boolean {
  return Number.isFinite(ratio) && ratio > 0
}

/** Samples of the colours with their meaning, in as many lines as they need. */
function legendOf({ legend, panels }: BarChart, top: number): { parts: string[]; bottom: number } {
  const kinds = new Set(panels.flatMap(({ bars }) => bars.map(({ kind }) => kind)))
  const hasLimits = panels.some(({ bars }) => bars.some(({ limit }) => limit !== undefined))
  const hasRanges = panels.some(({ bars }) => bars.some(({ ratio }) => ratio.min < ratio.max))
  const entries: { label: string; mark: (x: number, y: number) => string }[] = []
  for (const kind of ['ours', 'variant', 'other', 'better'] as const) {
    const label = legend[kind]
    if (label === undefined || !kinds.has(kind)) continue
    entries.push({ label, mark: (x, y) => element('rect', { class: kind, x, y: y - BAR, width: 16, height: BAR }) })
  }
  const line = (name: string, label: string, isUpright: boolean) =>
    entries.push({
      label,
      mark: (x, y) =>
        isUpright
          ? element('line', { class: name, x1: x + 8, x2: x + 8, y1: y - BAR - 2, y2: y + 2 })
          : element('line', { class: name, x1: x, x2: x + 16, y1: y - BAR / 2, y2: y - BAR / 2 }),
    })
  if (hasRanges) line('range', 'range of the rounds', false)
  if (hasLimits) line('limit', 'bound', true)
  line('one', 'raw uWebSockets.js', true)
  const parts: string[] = []
  let x = MARGIN
  let y = top + LINE / 2
  for (const { label, mark } of entries) {
    const width = 22 + textWidth(label, FONT) + 18
    if (x > MARGIN && x + width > WIDTH - MARGIN) {
      x = MARGIN
      y += ROW
    }
    parts.push(mark(x, y), text(x + 22, y, label))
    x += width
  }
  return { parts, bottom: y }
}

function text(
  x: number,
  y: number,
  content: string,
  attributes: Readonly<Record<string, string | undefined>> = {},
): string {
  return element('text', { x, y, ...attributes }, escapeXml(content))
}
