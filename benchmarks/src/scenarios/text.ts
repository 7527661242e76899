import { type Spread, spreadOf } from '../report/statistics'
import type { Quantiles } from '../samples'
import type { Verdict } from './scenario'
import type { AccountReport } from './stream-account'
import type { Tally } from './tally'

/** Bytes of a mebibyte. */
export const MIB = 1_048_576

const LABEL_WIDTH = 26
const COLUMN_WIDTH = 24
const COMPARED = ['p50', 'p90', 'p99', 'p999'] as const
/** Those of which a round has enough to compare: the others are printed. */
const JUDGED = ['p50', 'p90', 'p99'] as const

/** A table of quantiles: the median of the rounds, and their range. @param rows  A label, and the quantiles of each round. */
export function quantileTable(unit: string, rows: readonly (readonly [string, readonly Quantiles[]])[]): string[] {
  const head = [`${unit}`.padEnd(LABEL_WIDTH), ...[...COMPARED, 'max'].map((name) => name.padStart(COLUMN_WIDTH))].join(
    '',
  )
  return [
    head,
    ...rows.map(([label, rounds]) => {
      const cells = [...COMPARED, 'max' as const].map((name) => spreadText(spreadOf(rounds.map((each) => each[name]))))
      return label.padEnd(LABEL_WIDTH) + cells.map((cell) => cell.padStart(COLUMN_WIDTH)).join('')
    }),
  ]
}

/** A pair of rounds, one behind the other, that differ by less than this part is the same. */
const SAME_RATIO = 1.05

/**
 * Whether something makes no difference to a latency: the median of the rounds with it is within what rounds without it
 * come to, and not every round with it is slower than its neighbour without.
 *
 * @param withIt   One for each round, in order.
 * @param without  Those of the same rounds.
 */
export function withinNoise(what: string, withIt: readonly Quantiles[], without: readonly Quantiles[]): Verdict[] {
  return JUDGED.map((name) => {
    const { median } = spreadOf(withIt.map((each) => each[name]))
    const { min, max } = spreadOf(without.map((each) => each[name]))
    const ratio = spreadOf(withIt.map((each, round) => each[name] / (without[round]?.[name] ?? Number.NaN)))
    return {
      claim:
        `${what}, ${name}: median of the rounds with ${number(median)} ms, rounds without ${number(min)} .. ${number(max)} ms; ` +
        `with over without, in each round ${spreadText(ratio)}`,
      isKept: median <= max && ratio.min <= SAME_RATIO,
    }
  })
}

/** Whether nothing has come out of order, and nothing is missing without a word. */
export function wholeOrTold({ delivered, told, silent, disordered }: AccountReport): Verdict {
  return {
    claim: `order and no silent hole: ${delivered} delivered, ${told} told to be lost, ${silent} lost in silence, ${disordered} out of order`,
    isKept: silent === 0 && disordered === 0 && delivered > 0,
  }
}

/** Whether memory stays under so many budgets and a tenth. */
export function withinBudgets(what: string, grownBytes: number, connections: number, budgetBytes: number): Verdict {
  const bound = connections * budgetBytes * 1.1
  return {
    claim: `${what}: RSS grew by ${mib(grownBytes)}, ${connections} budgets of ${mib(budgetBytes)} and a tenth are ${mib(bound)}`,
    isKept: grownBytes <= bound,
  }
}

/** "4010: 10, 1006: 2". */
export function tallyText(tally: Tally): string {
  const entries = Object.entries(tally)
  return entries.length === 0 ? 'none' : entries.map(([what, times]) => `${what}: ${times}`).join(', ')
}

export function mib(bytes: number): string {
  return `${number(bytes / MIB)} MiB`
}

function spreadText({ median, min, max }: Spread): string {
  return `${number(median)} (${number(min)} .. ${number(max)})`
}

/** A number with as many digits as are worth reading. */
export function number(value: number): string {
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)
}
