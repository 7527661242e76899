import type { Metric, Sample } from '../modes/mode'
import { OURS, type Peer, REFERENCE } from '../peers'
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

/** One table. */
export interface Table {
  readonly metric: Metric
  readonly rows: readonly Row[]
}

/** Sorts samples into the table of `metric`. Every round of it has a sample of the reference. */
export function tableOf(metric: Metric, peers: readonly Peer[], samples: readonly RoundSample[]): Table {
  const ofMetric = samples.filter((sample) => sample.metric === metric.id)
  const references = new Map(
    ofMetric.filter(({ peer }) => peer === REFERENCE).map(({ round, value }) => [round, value]),
  )
  const rows = peers.map(({ name, label }): Row => {
    const own = ofMetric.filter(({ peer }) => peer === name)
    const ratio = spreadOf(own.map(({ round, value }) => value / (references.get(round) ?? Number.NaN)))
    const budget = name === OURS ? { bound: metric.budget, isKept: ratio.median <= metric.budget } : undefined
    return { peer: name, label, value: spreadOf(own.map(({ value }) => value)), ratio, budget }
  })
  return { metric, rows }
}
