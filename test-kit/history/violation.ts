import { describe, type HistoryRecord } from './records'

/** The invariants; `history.ts` says what each is. */
export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8'

/** A broken invariant. */
export interface Violation {
  readonly invariant: Invariant
  /** A sentence for people. */
  readonly message: string
  readonly msgIds: readonly string[]
  readonly session?: string
  /** The records around it, as lines. */
  readonly records: readonly string[]
}

/** Ids that a message names; the rest is counted. */
const IDS_NAMED = 10
/** Records before and behind the one that is meant. */
const RECORDS_AROUND = 3

/** Some ids, for a message. */
export function nameIds(ids: readonly (number | string)[]): string {
  const named = ids.slice(0, IDS_NAMED).join(', ')
  return ids.length > IDS_NAMED ? `${named} and ${ids.length - IDS_NAMED} more` : named
}

/** The records of a list around the one with this index. */
export function linesAround(records: readonly HistoryRecord[], index: number, start: number): string[] {
  let place = 0
  let end = records.length
  while (place < end) {
    const middle = (place + end) >> 1
    if ((records[middle] as HistoryRecord).index < index) place = middle + 1
    else end = middle
  }
  const around = records.slice(Math.max(0, place - RECORDS_AROUND), place + RECORDS_AROUND + 1)
  return around.map((record) => describe(record, start))
}
