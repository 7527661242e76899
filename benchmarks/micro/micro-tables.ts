import type { MicroTable } from '../src/report/results'
import { spreadOf } from '../src/report/statistics'
import type { MicroResult } from './micro-case'

/** Below it nothing is said about ratios: a look at the heap is off by as much. */
const SMALLEST = 0.05

/**
 * Tables of what was measured in several rounds.
 *
 * @param rounds  Of each the same groups and cases.
 * @returns A table for each group. Ratios are taken inside each round; where the baseline is zero there are none, and they
 *          are NaN.
 */
export function microTablesOf(rounds: readonly (readonly MicroResult[])[], unit: string): MicroTable[] {
  const [first = []] = rounds
  return first.map(({ title, baseline, values }) => {
    const valuesOf = (name: string) => rounds.map((round) => valueIn(round, title, name))
    const baselines = valuesOf(baseline)
    return {
      title,
      unit,
      baseline,
      rows: values.map(({ name }) => {
        const own = valuesOf(name)
        return {
          name,
          value: spreadOf(own),
          ratio: spreadOf(own.map((value, round) => ratio(value, baselines[round]))),
        }
      }),
    }
  })
}

function valueIn(round: readonly MicroResult[], title: string, name: string): number {
  const group = round.find((result) => result.title === title)
  return group?.values.find((value) => value.name === name)?.value ?? Number.NaN
}

function ratio(value: number, baseline: number | undefined): number {
  return baseline === undefined || baseline < SMALLEST ? Number.NaN : value / baseline
}
