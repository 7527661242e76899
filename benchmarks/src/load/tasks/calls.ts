import { performance } from 'node:perf_hooks'
import type { Connection } from '../connection'
import type { Crowd } from '../crowd'
import { repeatedRun } from '../frame-run'
import { clientFrames, serverFrames } from '../ws-wire'

/** Time in which every answer must have arrived after the last call. */
const DRAIN_TIMEOUT_MS = 10_000

/** How to call. */
export interface CallsOptions {
  /** Calls that a connection sends in one write; the next when all are answered. */
  readonly depth: number
  readonly windowMs: number
}

/** What one window of calls came to. */
export interface CallsResult {
  /** Calls sent and answered. */
  readonly calls: number
  readonly elapsedMs: number
}

/** Every connection calls for `windowMs`, and is answered. */
export async function runCalls(crowd: Crowd, { depth, windowMs }: CallsOptions): Promise<CallsResult> {
  const { connections, dialect } = crowd
  const ids = Array.from({ length: depth }, (_, id) => id)
  const batch = Buffer.concat(ids.map((id) => clientFrames(dialect.call(id))))
  const answers = repeatedRun(ids.map((id) => serverFrames(dialect.answer(id))))
  for (const connection of connections) connection.expect(answers)

  let calls = 0
  let isOver = false
  let busy = connections.length
  const send = (connection: Connection) => {
    calls += depth
    connection.write(batch)
  }

  const start = performance.now()
  await crowd.untilSettled((resolve, reject) => {
    crowd.onReceived = (connection) => {
      if (connection.frames % depth !== 0) return
      if (!isOver) send(connection)
      else if (--busy === 0) resolve()
    }
    setTimeout(() => {
      isOver = true
      setTimeout(() => reject(new Error(`${busy} connections wait for answers`)), DRAIN_TIMEOUT_MS).unref()
    }, windowMs)
    for (const connection of connections) send(connection)
  })
  const elapsedMs = performance.now() - start

  await crowd.settle()
  const answered = connections.reduce((sum, connection) => sum + connection.frames, 0)
  if (answered !== calls) throw new Error(`${calls} calls, ${answered} answers`)
  return { calls, elapsedMs }
}
