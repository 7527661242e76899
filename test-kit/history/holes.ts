import type { HistoryRecord } from './records'
import type { MissingMessage } from './stretch'
import type { Timeline } from './timeline'
import { nameIds, type Violation } from './violation'

/** Positions that somebody was told to have lost. */
export type Loss = HistoryRecord<{ readonly room: string | null; readonly from: number; readonly to: number }>

/**
 * What is missing and no loss accounts for: I4 where a resume claimed that nothing was missing, otherwise I3.
 *
 * @param losses  What was told to whom the messages are missing.
 * @param nameOf  What a stream is called in the message of a violation.
 */
export function holesOf(
  timeline: Timeline,
  session: string,
  missing: readonly MissingMessage[],
  losses: readonly Loss[],
  nameOf: (stream: string) => string,
): Violation[] {
  const ordered = [...missing].sort((a, b) => a.after - b.after)
  return group(unexplained(timeline, ordered, losses)).map((hole: readonly MissingMessage[]) => {
    const [{ stream, after, claimedAt }] = hole as readonly [MissingMessage]
    const ids = hole.map(({ message }) => message.record.msgId)
    const what = `of ${nameOf(stream)} ${ids.length} are missing: ${nameIds(ids)}`
    const why = claimedAt === null ? 'and no gap accounts for them' : 'though a resume said that nothing was'
    return timeline.violation(claimedAt === null ? 'I3' : 'I4', session, after, `${what}, ${why}`, ids)
  })
}

/**
 * What no loss accounts for. A loss has to be told behind the message in front of what is missing, and in front of whatever claims
 * that nothing was. It covers the positions that it names; where nobody knows the position of a message, as many messages as it
 * has positions.
 */
function unexplained(
  timeline: Timeline,
  missing: readonly MissingMessage[],
  losses: readonly Loss[],
): MissingMessage[] {
  const left = new Map(losses.map((loss) => [loss, loss.to - loss.from + 1]))
  const explained = new Set<string>()
  return missing.filter(({ message, after, claimedAt }) => {
    const { record, streams } = message
    // A message for several rooms is missing once.
    if (explained.has(record.msgId)) return false
    explained.add(record.msgId)
    const covers = (loss: Loss) => {
      if (loss.index < after || (claimedAt !== null && loss.index > claimedAt)) return false
      if ((left.get(loss) ?? 0) === 0) return false
      if (loss.room === null) return true
      if (!streams.includes(loss.room)) return false
      const position = timeline.positionOf(loss.room, message)
      return position === undefined || (position >= loss.from && position <= loss.to)
    }
    const loss = losses.find((loss) => loss.room !== null && covers(loss)) ?? losses.find(covers)
    if (loss === undefined) return true
    left.set(loss, (left.get(loss) ?? 0) - 1)
    return false
  })
}

/** Those that are missing at the same place are one hole. */
function group(missing: readonly MissingMessage[]): MissingMessage[][] {
  const holes = new Map<string, MissingMessage[]>()
  for (const one of missing) {
    const key = `${one.stream} ${one.after} ${one.claimedAt !== null}`
    const hole = holes.get(key)
    if (hole === undefined) holes.set(key, [one])
    else hole.push(one)
  }
  return [...holes.values()]
}
