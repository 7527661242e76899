import { performance } from 'node:perf_hooks'
import { type Quantiles, Samples } from '../../samples'
import type { Connection } from '../connection'
import type { Crowd } from '../crowd'
import { repeatedRun } from '../frame-run'
import { clientFrames, serverFrames } from '../ws-wire'
import { FIRST_ID, IDS, Schedule } from './schedule'

/*
 * An open loop: a call is due by the clock, whether those before it have been answered or not, and its latency counts from
 * when it was due. So a server that stops for a while, or is too slow, is charged with the time that calls waited for being
 * sent, and not only with that of the few that were on their way.
 */

/** Time in which every answer must have arrived after the last call was due. */
const DRAIN_TIMEOUT_MS = 20_000
const US_PER_MS = 1_000

/** Calls of all connections together. */
export interface LatencyOptions {
  readonly perSecond: number
  readonly windowMs: number
}

/** What one window came to. Every call that was due is answered, and counted. */
export interface LatencyResult {
  /** Microseconds from the time a call was due to its answer. */
  readonly latencyUs: Quantiles
  /** Answers per second until the last call was due; less than were offered if the server is overloaded. */
  readonly answeredPerSecond: number
  readonly elapsedMs: number
}

/** Members call at a fixed rate for `windowMs`. */
export async function runLatency(crowd: Crowd, { perSecond, windowMs }: LatencyOptions): Promise<LatencyResult> {
  const callers = crowd.withRole('member')
  const { dialect } = crowd
  const ids = Array.from({ length: IDS }, (_, i) => FIRST_ID + i)
  const calls = ids.map((id) => clientFrames(dialect.call(id)))
  const answers = repeatedRun(ids.map((id) => serverFrames(dialect.answer(id))))
  for (const connection of callers) connection.expect(answers)

  const schedule = new Schedule(performance.now(), perSecond, callers.length, windowMs)
  const endMs = schedule.timeOf(0, 0) + windowMs
  const samples = new Samples()
  const due = new Uint32Array(callers.length)
  const sent = new Uint32Array(callers.length)
  let dueOfAll = 0
  let answeredInTime = 0

  /** Sends what is due on a connection. Calls beyond the ids wait, and their time counts. */
  const sendDue = (index: number, connection: Connection) => {
    let next = sent[index] as number
    const last = Math.min(due[index] as number, connection.frames + IDS)
    for (; next < last; next++) connection.write(calls[next % IDS] as Buffer)
    sent[index] = next
  }
  const receive = (connection: Connection, count: number, nowMs: number) => {
    const { frames, number } = connection
    for (let sequence = frames - count; sequence < frames; sequence++) {
      samples.add((nowMs - schedule.timeOf(number, sequence)) * US_PER_MS)
    }
    if (nowMs <= endMs) answeredInTime += count
    if (frames > (sent[number] as number)) crowd.fail('an answer to a call that was not sent')
    else sendDue(number, connection)
  }

  let limit: NodeJS.Timeout | undefined
  const done = crowd.untilSettled((resolve, reject) => {
    crowd.onReceived = (connection, count) => {
      receive(connection, count, performance.now())
      if (samples.size === schedule.total) resolve()
    }
    const goOn = () => {
      const nowMs = performance.now()
      const dueNow = schedule.dueAt(nowMs)
      for (; dueOfAll < dueNow; dueOfAll++) {
        const index = dueOfAll % callers.length
        due[index] = (due[index] as number) + 1
        sendDue(index, callers[index] as Connection)
      }
      if (dueOfAll < schedule.total) setImmediate(goOn)
    }
    limit = setTimeout(() => {
      reject(new Error(`${schedule.total - samples.size} of ${schedule.total} calls have no answer`))
    }, windowMs + DRAIN_TIMEOUT_MS)
    goOn()
  })
  await done.finally(() => clearTimeout(limit))
  const elapsedMs = performance.now() - schedule.timeOf(0, 0)

  await crowd.settle()
  return { latencyUs: samples.take(), answeredPerSecond: (answeredInTime / windowMs) * 1_000, elapsedMs }
}
