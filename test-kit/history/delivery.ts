import { holesOf } from './holes'
import { missingOf } from './memberships'
import type { DeliveredFact } from './records'
import { ownStream, streamName, type Timeline } from './timeline'
import type { Violation } from './violation'

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
  return [...timeline.sessions.keys()].flatMap((session) =>
    holesOf(timeline, session, missingOf(timeline, session), timeline.lossesOf(session), streamName),
  )
}
