import { describe, type HistoryRecord } from './records'
import type { Timeline } from './timeline'
import type { Violation } from './violation'

/** What is known of one call. */
interface Call {
  isCalled: boolean
  isAnswered: boolean
  hasFailed: boolean
  once: boolean
  handled: number
  readonly records: HistoryRecord[]
}

/**
 * I1: what was answered was handled, nothing was handled twice that is to take effect once, and nothing that was called is left
 * open: it was handled, or its caller has heard of its end.
 */
export function checkCalls(timeline: Timeline): Violation[] {
  const calls = new Map<string, Call>()
  for (const record of timeline.records) {
    const { kind } = record
    if (kind !== 'called' && kind !== 'answered' && kind !== 'failed' && kind !== 'handled') continue
    const call = calls.get(record.msgId) ?? newCall()
    calls.set(record.msgId, call)
    call.records.push(record)
    if (kind === 'called') Object.assign(call, { isCalled: true, once: record.once })
    else if (kind === 'answered') call.isAnswered = true
    else if (kind === 'failed') call.hasFailed = true
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

function newCall(): Call {
  return { isCalled: false, isAnswered: false, hasFailed: false, once: true, handled: 0, records: [] }
}

function faultOf({ isCalled, isAnswered, hasFailed, once, handled }: Call): string | null {
  if (handled === 0 && isAnswered) return 'was answered and never handled'
  if (!isCalled) return handled > 0 ? 'was handled and never called' : 'has failed and was never called'
  if (handled === 0 && !hasFailed) return 'was called, and neither handled nor answered, nor has it failed'
  return once && handled > 1 ? `was handled ${handled} times` : null
}
