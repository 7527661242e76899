import { describe, type HistoryFact, type HistoryRecord, type ResourceReport } from './records'
import type { Timeline } from './timeline'
import { type Invariant, nameIds, type Violation } from './violation'

/** How much slower a bystander may be, and how many milliseconds besides. */
const SLOWER = 2
const SLOWER_MS = 50
/** What memory may differ by; anything else is counted. */
const TOLERANCE: Readonly<Record<string, number>> = { heapBytes: 0.05, rssBytes: 0.15 }

/** I5: a node shows those who are there, each once. */
export function checkPresence(timeline: Timeline): Violation[] {
  return each(timeline, 'presence', 'I5', ({ report: { node, room = null, shown, live } }) => {
    const faults: string[] = []
    const name = `node ${node}, ${room === null ? 'all users' : `room "${room}"`}:`
    const ghosts = shown.filter((id) => !live.includes(id))
    const missing = live.filter((id) => !shown.includes(id))
    const repeated = shown.filter((id, place) => shown.indexOf(id) !== place)
    if (ghosts.length > 0) faults.push(`${name} shows ${nameIds(ghosts)}, who are not there`)
    if (missing.length > 0) faults.push(`${name} does not show ${nameIds(missing)}`)
    if (repeated.length > 0) faults.push(`${name} shows ${nameIds(repeated)} more than once`)
    return faults
  })
}

/** I6: what a process held goes back to what it was. */
export function checkResources(timeline: Timeline): Violation[] {
  return each(timeline, 'resources', 'I6', ({ report }) => {
    const names = new Set([...Object.keys(report.before), ...Object.keys(report.after)])
    return [...names]
      .filter((name) => !isBack(report, name))
      .map((name) => {
        const { process, before, after } = report
        return `process ${process}: ${name} was ${before[name]} and is ${after[name]}`
      })
  })
}

/** Memory may be less than before. */
function isBack({ before, after, tolerance }: ResourceReport, name: string): boolean {
  const allowed = { ...TOLERANCE, ...tolerance }[name]
  const was = before[name] ?? Number.NaN
  const is = after[name] ?? Number.NaN
  return allowed === undefined ? was === is : is <= was * (1 + allowed)
}

/** I7: nothing is left uncaught. */
export function checkUncaught(timeline: Timeline): Violation[] {
  return each(timeline, 'uncaught', 'I7', ({ process, count, what }) =>
    count > 0 ? [`process ${process}: ${count} uncaught, ${what}`] : [],
  )
}

/** I8: who has nothing to do with it loses nothing, and waits no more than twice as long and 50 ms. */
export function checkBystanders(timeline: Timeline): Violation[] {
  return each(timeline, 'bystander', 'I8', ({ name, report: { quietMs, loadedMs, dropped = 0 } }) => {
    const faults: string[] = []
    const allowed = SLOWER * percentile(quietMs) + SLOWER_MS
    const took = percentile(loadedMs)
    if (dropped > 0) faults.push(`bystander ${name}: ${dropped} dropped`)
    // Without a time there is nothing to compare, which is no better than a long one.
    if (!(took <= allowed)) faults.push(`bystander ${name}: p99 is ${took} ms, allowed are ${allowed}`)
    return faults
  })
}

/** The 99th of 100; NaN of none. */
function percentile(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b)
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN
}

function each<Kind extends HistoryFact['kind']>(
  timeline: Timeline,
  kind: Kind,
  invariant: Invariant,
  faultsOf: (record: Extract<HistoryFact, { kind: Kind }>) => string[],
): Violation[] {
  const start = timeline.records[0]?.at ?? 0
  return timeline.records
    .filter((record) => record.kind === kind)
    .flatMap((record) =>
      faultsOf(record as Extract<HistoryRecord, { kind: Kind }>).map((message) => ({
        invariant,
        message,
        msgIds: [],
        records: [describe(record, start)],
      })),
    )
}
