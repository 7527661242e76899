import type { Metric, Sample } from '../modes/mode'
import { type Comparison, type Peer, REFERENCE } from '../peers'
import { type Spread, spreadOf } from './statistics'

/** A sample and where it belongs. */
export interface RoundSample extends Sample {
  readonly round: number
  readonly peer: string
}

/** One peer in one table. */
export interface Row {
  readonly peer: string
  readonly label: string
  readonly value: Spread
  /** Value over the reference's value of the same round. */
  readonly ratio: Spread
  readonly budget: { readonly bound: number; readonly isKept: boolean } | undefined
}

/** One peer over its counterpart. */
export interface ComparedRow extends Comparison {
  readonly peer: string
  /** Value over the counterpart's value of the same round. */
  readonly ratio: Spread
}

/** One table. */
export interface Table {
  readonly metric: Metric
  readonly rows: readonly Row[]
  readonly compared: readonly ComparedRow[]
}

/** One table of a micro benchmark: variants of one function, in one process. */
export interface MicroTable {
  readonly title: string
  /** Of the values; less is better. */
  readonly unit: string
  /** Name of the row that ratios are taken against. */
  readonly baseline: string
  readonly rows: readonly MicroRow[]
}

/** One variant. */
export interface MicroRow {
  readonly name: string
  readonly value: Spread
  /** Value over the baseline's value of the same round. */
  readonly ratio: Spread
}

/** Sorts samples into the table of `metric`. Every round of it has a sample of the reference. */
export function tableOf(metric: Metric, peers: readonly Peer[], samples: readonly RoundSample[]): Table {
  const ofMetric = samples.filter((sample) => sample.metric === metric.id)
  const rows = peers.map(({ name, label }): Row => {
    const own = ofMetric.filter(({ peer }) => peer === name)
    const ratio = ratioOf(ofMetric, name, REFERENCE)
    const bound = metric.bounds[name]
    const budget = bound === undefined ? undefined : { bound, isKept: ratio.median <= bound }
    return { peer: name, label, value: spreadOf(own.map(({ value }) => value)), ratio, budget }
  })
  const compared = peers.flatMap(({ name, comparison }): ComparedRow[] => {
    const hasBaseline = peers.some((peer) => peer.name === comparison?.baseline)
    if (comparison === undefined || !hasBaseline) return []
    return [{ peer: name, ...comparison, ratio: ratioOf(ofMetric, name, comparison.baseline) }]
  })
  return { metric, rows, compared }
}

/** Value of one peer over that of another in the same round. */
function ratioOf(samples: readonly RoundSample[], name: string, baseline: string): Spread {
  const baselines = new Map(samples.filter(({ peer }) => peer === baseline).map(({ round, value }) => [round, value]))
  const own = samples.filter(({ peer }) => peer === name)
  return spreadOf(own.map(({ round, value }) => value / (baselines.get(round) ?? Number.NaN)))
}
