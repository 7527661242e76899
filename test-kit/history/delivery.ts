import type { DeliveredFact, GapFact, HistoryRecord } from './records'
import { type MissingMessage, missingOf } from './stretches'
import { ownStream, streamName, type Timeline } from './timeline'
import { nameIds, type Violation } from './violation'

/** I2: in order, none twice, none that a snapshot had already, none that was for others. Messages that came with positions are for `positions.ts`. */
export function checkOrder(timeline: Timeline): Violation[] {
  const violations: Violation[] = []
  for (const [session, records] of timeline.sessions) {
    const seen = new Set<string>()
    const lastPlaces = new Map<string, { readonly place: number; readonly msgId: string }>()
    for (const record of records) {
      if (record.kind === 'joined' || record.kind === 'rejoined' || record.kind === 'snapshot') {
        const { room, after = '' } = record
        const place = timeline.messages.get(after)?.places.get(room ?? '') ?? -1
        if (room !== null && place > (lastPlaces.get(room)?.place ?? -1)) lastPlaces.set(room, { place, msgId: after })
      }
      if (record.kind !== 'delivered') continue
      const { msgId, index } = record
      const found = (what: string, ...others: string[]) =>
        violations.push(timeline.violation('I2', session, index, what, [msgId, ...others]))
      if (isForOthers(timeline, record)) found(`${msgId} was not for it`)
      if (record.position !== undefined) continue
      const message = timeline.messages.get(msgId)
      if (message === undefined) found(`${msgId} was delivered and never published`)
      if (seen.has(msgId)) {
        found(`${msgId} was delivered twice`)
        continue
      }
      seen.add(msgId)
      // In which of several rooms a message has its position is not known here.
      const [stream, ...more] = message?.streams ?? []
      if (stream === undefined || more.length > 0) continue
      const place = message?.places.get(stream) ?? 0
      const last = lastPlaces.get(stream)
      if (last !== undefined && place <= last.place) {
        found(`${msgId} came behind ${last.msgId}, which is where ${streamName(stream)} was`, last.msgId)
      } else lastPlaces.set(stream, { place, msgId })
    }
  }
  return violations
}

function isForOthers(timeline: Timeline, { session, msgId }: DeliveredFact): boolean {
  const message = timeline.messages.get(msgId)
  if (message === undefined) return false
  const [stream = ''] = message.streams
  const { to, except } = message.record
  const isForOne = to !== null && typeof to === 'object' && 'session' in to
  return except.includes(session) || (isForOne && stream !== ownStream(session))
}

/** I3: what is missing was told to be lost. */
export function checkHoles(timeline: Timeline): Violation[] {
  return holes(timeline).filter(({ invariant }) => invariant === 'I3')
}

/** I4: nothing is missing from before a resume that claimed so. */
export function checkRecoveries(timeline: Timeline): Violation[] {
  return holes(timeline).filter(({ invariant }) => invariant === 'I4')
}

/** I4: who comes back within the window of the server has missed nothing. */
export function checkWindow(timeline: Timeline, windowMs: number): Violation[] {
  const violations: Violation[] = []
  for (const [session, records] of timeline.sessions) {
    let lostAt: number | null = null
    for (const record of records) {
      if (record.kind === 'disconnected') lostAt ??= record.at
      if (record.kind !== 'connected') continue
      const awayMs = lostAt === null ? Number.POSITIVE_INFINITY : record.at - lostAt
      lostAt = null
      if (record.recovered || awayMs > windowMs) continue
      const what = `was away for ${Math.round(awayMs)} ms of ${windowMs}, and did not recover`
      violations.push(timeline.violation('I4', session, record.index, what, []))
    }
  }
  return violations
}

function holes(timeline: Timeline): Violation[] {
  return [...timeline.sessions.keys()].flatMap((session) => {
    const missing = missingOf(timeline, session).sort((a, b) => a.after - b.after)
    return group(unexplained(timeline, session, missing)).map((hole) => report(timeline, session, hole))
  })
}

/**
 * What no gap accounts for. A gap has to come behind the message in front of what is missing. It covers the positions that it
 * names; where nobody knows the position of a message, as many messages as it has positions.
 */
function unexplained(timeline: Timeline, session: string, missing: readonly MissingMessage[]): MissingMessage[] {
  const losses = timeline.lossesOf(session)
  const left = new Map(losses.map((loss) => [loss, loss.to - loss.from + 1]))
  const explained = new Set<string>()
  return missing.filter((one) => {
    const { record, streams } = one.message
    // A message for several rooms is missing once.
    if (explained.has(record.msgId)) return false
    explained.add(record.msgId)
    const covers = (loss: HistoryRecord<GapFact>) => {
      if (loss.index < one.after || (left.get(loss) ?? 0) === 0) return false
      if (loss.room === null) return true
      if (!streams.includes(loss.room)) return false
      const position = timeline.positionOf(loss.room, one.message)
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
    const key = `${one.stream} ${one.after} ${one.wasRecovered}`
    const hole = holes.get(key)
    if (hole === undefined) holes.set(key, [one])
    else hole.push(one)
  }
  return [...holes.values()]
}

function report(timeline: Timeline, session: string, hole: readonly MissingMessage[]): Violation {
  const [{ stream, after, wasRecovered }] = hole as readonly [MissingMessage]
  const ids = hole.map(({ message }) => message.record.msgId)
  const what = `of ${streamName(stream)} ${ids.length} are missing: ${nameIds(ids)}`
  const why = wasRecovered ? 'though a resume said that nothing was' : 'and no gap accounts for them'
  return timeline.violation(wasRecovered ? 'I4' : 'I3', session, after, `${what}, ${why}`, ids)
}
