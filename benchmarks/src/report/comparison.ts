import { REFERENCE } from '../peers'
import { formatNumber } from './format'
import type { ChangedRatio, Results, RunComparison } from './results'

/** Ratios that are apart by no more than this part of the smaller one are the same. */
const TOLERANCE = 0.15

/** Compares what two runs have in common. What ratios are taken against is 1 in both, and is not counted. */
export function compareRuns(earlier: Results, later: Results): RunComparison {
  const before = new Map(ratiosOf(earlier).map((entry) => [entry.key, entry.ratio]))
  let compared = 0
  const changed: ChangedRatio[] = []
  for (const { key, metric, label, ratio } of ratiosOf(later)) {
    const old = before.get(key)
    if (old === undefined) continue
    compared++
    if (Math.max(old, ratio) / Math.min(old, ratio) > 1 + TOLERANCE)
      changed.push({ metric, label, earlier: old, later: ratio })
  }
  return { earlierDate: earlier.date, compared, changed, remarks: differences(earlier, later) }
}

/** Lines for the terminal. */
export function formatComparison({ earlierDate, compared, changed, remarks }: RunComparison): string {
  const labelWidth = Math.max(0, ...changed.map(({ label }) => label.length))
  return [
    `against the run of ${earlierDate}: medians of the ratios`,
    ...remarks.map((remark) => `remark     ${remark}`),
    ...changed.map(
      ({ metric, label, earlier, later }) =>
        `${label.padEnd(labelWidth)}  ${formatNumber(earlier).padStart(7)} -> ${formatNumber(later).padStart(7)}  ${metric}`,
    ),
    formatAgreement({ compared, changed }),
  ].join('\n')
}

/** "N of M ratios within 15 %". */
export function formatAgreement({ compared, changed }: Pick<RunComparison, 'compared' | 'changed'>): string {
  return `${compared - changed.length} of ${compared} ratios within ${TOLERANCE * 100} %`
}

interface NamedRatio {
  readonly key: string
  readonly metric: string
  readonly label: string
  readonly ratio: number
}

function ratiosOf({ modes, micro }: Results): NamedRatio[] {
  const tables = modes.flatMap((mode) => mode.tables)
  const ofPeers = tables.flatMap(({ metric, rows }) =>
    rows
      .filter(({ peer }) => peer !== REFERENCE)
      .map(({ peer, label, ratio }) => ({
        key: `${metric.id} ${peer}`,
        metric: metric.title,
        label,
        ratio: ratio.median,
      })),
  )
  const ofVariants = micro.flatMap(({ title, baseline, rows }) =>
    rows
      .filter(({ name }) => name !== baseline)
      .map(({ name, ratio }) => ({ key: `${title} ${name}`, metric: title, label: name, ratio: ratio.median })),
  )
  return [...ofPeers, ...ofVariants].filter(({ ratio }) => ratio > 0 && Number.isFinite(ratio))
}

function differences(earlier: Results, later: Results): string[] {
  const facts: [string, (results: Results) => unknown][] = [
    ['machine', ({ environment }) => environment.machine],
    ['processes', ({ environment }) => environment.pinning],
    ['node', ({ environment }) => environment.node],
    ['packages', ({ environment }) => JSON.stringify(environment.packages)],
    ['settings', ({ settings }) => JSON.stringify(settings)],
  ]
  return facts
    .filter(([, read]) => read(earlier) !== read(later))
    .map(([what, read]) => `${what}: ${read(earlier)}, now ${read(later)}`)
}
