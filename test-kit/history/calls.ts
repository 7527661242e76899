import { describe, type HistoryRecord } from './records'
import type { Timeline } from './timeline'
import type { Violation } from './violation'

/** What is known of one call. */
interface Call {
  isCalled: boolean
  isAnswered: boolean
  once: boolean
  handled: number
  readonly records: HistoryRecord[]
}

/** I1: what was answered was handled, and nothing was handled twice that is to take effect once. */
export function checkCalls(timeline: Timeline): Violation[] {
  const calls = new Map<string, Call>()
  for (const record of timeline.records) {
    if (record.kind !== 'called' && record.kind !== 'answered' && record.kind !== 'handled') continue
    const call = calls.get(record.msgId) ?? { isCalled: false, isAnswered: false, once: true, handled: 0, records: [] }
    calls.set(record.msgId, call)
    call.records.push(record)
    if (record.kind === 'called') Object.assign(call, { isCalled: true, once: record.once })
    else if (record.kind === 'answered') call.isAnswered = true
    else call.handled++
  }
  const violations: Violation[] = []
  for (const [msgId, call] of calls) {
    const fault = faultOf(call)
    if (fault === null) continue
    const records = call.records.map((record) => describe(record, timeline.records[0]?.at ?? 0))
    violations.push({ invariant: 'I1', message: `${msgId} ${fault}`, msgIds: [msgId], records })
  }
  return violations
}

function faultOf({ isCalled, isAnswered, once, handled }: Call): string | null {
  if (handled === 0) return isAnswered ? 'was answered and never handled' : null
  if (!isCalled) return 'was handled and never called'
  return once && handled > 1 ? `was handled ${handled} times` : null
}
