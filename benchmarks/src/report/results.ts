import type { Metric, Sample } from '../modes/mode'
import { type Comparison, OURS, type Peer, REFERENCE } from '../peers'
import type { ScenarioResult } from '../scenarios/run-scenario'
import type { Environment } from './environment'
import { type Spread, spreadOf } from './statistics'

/** All that a run came to: what the results file holds, and what every report is made of. */
export interface Results {
  /** End of the run, ISO 8601. */
  readonly date: string
  readonly seconds: number
  /** As it was typed. */
  readonly command: string
  readonly environment: Environment
  readonly missing: readonly MissingPeer[]
  /** What was asked for and could not be done. */
  readonly remarks: readonly string[]
  /** Of all modes, by name. */
  readonly settings: Readonly<Record<string, number | readonly number[]>>
  readonly modes: readonly ModeResult[]
  readonly micro: readonly MicroTable[]
  readonly scenarios: readonly ScenarioResult[]
  /** Against the report that this one took the place of. */
  readonly comparison?: RunComparison
}

/** A peer that could not take part. */
export interface MissingPeer {
  readonly name: string
  readonly label: string
  readonly reason: string
}

/** A ratio that is not the same in two runs. */
export interface ChangedRatio {
  /** Title of the metric, or of the table of a micro benchmark. */
  readonly metric: string
  /** Of the peer or the variant. */
  readonly label: string
  readonly earlier: number
  readonly later: number
}

/** Two runs, metric by metric and peer by peer, in the medians of their ratios. */
export interface RunComparison {
  /** End of the earlier run, ISO 8601. */
  readonly earlierDate: string
  /** Ratios that both runs have. */
  readonly compared: number
  readonly changed: readonly ChangedRatio[]
  /** What besides the code may be the reason. */
  readonly remarks: readonly string[]
}

/** One mode with its tables, and the samples behind them. */
export interface ModeResult {
  readonly name: string
  readonly title: string
  readonly rounds: number
  /** The load in words. */
  readonly load: string
  readonly tables: readonly Table[]
  readonly samples: readonly RoundSample[]
}

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
  /** Value over Roomcast's value of the same round: below 1, this peer is better. */
  readonly overOurs: Spread
  readonly bound: Bound | undefined
}

/** Largest ratio to the reference that a peer is meant to have. The median has to keep it. */
export interface Bound {
  readonly limit: number
  readonly isKept: boolean
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
    const limit = metric.bounds[name]
    return {
      peer: name,
      label,
      value: spreadOf(own.map(({ value }) => value)),
      ratio,
      overOurs: ratioOf(ofMetric, name, OURS),
      bound: limit === undefined ? undefined : { limit, isKept: ratio.median <= limit },
    }
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
