import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DialectName } from '../dialects'
import { POLLING_DIALECTS } from '../dialects/polling'
import { FailureLatch } from '../failure-latch'
import { PollingConnection } from '../polling-connection'
import type { CallsResult } from './calls'

/** Time in which every answer must have arrived after the last call. */
const DRAIN_TIMEOUT_MS = 10_000
/** Time given to answers that should not come. */
const SURPLUS_MS = 20

/** Clients over HTTP. */
export interface PollingOptions {
  readonly port: number
  readonly dialect: DialectName
  readonly count: number
}

/** The clients of a load process that poll. */
export class PollingCrowd {
  private readonly connections: PollingConnection[] = []
  private readonly latch = new FailureLatch()
  private onAnswered = (_connection: PollingConnection) => {}

  /** Opens clients and waits until all of them are in the room. */
  connect({ port, dialect: name, count }: PollingOptions): Promise<void> {
    const dialect = POLLING_DIALECTS[name]
    if (dialect === undefined) throw new Error(`nothing is known of how clients of "${name}" poll`)
    return this.latch.openAll(count, (_number, joined) => {
      const answered = (connection: PollingConnection) => this.onAnswered(connection)
      const failed = (reason: string) => this.latch.fail(`a polling client failed: ${reason}`)
      this.connections.push(new PollingConnection(port, dialect, { joined, answered, failed }))
    })
  }

  /** Each client calls for `windowMs`: the next time when the last call was taken, and answered. */
  async call({ windowMs }: { readonly windowMs: number }): Promise<CallsResult> {
    let calls = 0
    let answers = 0
    let isOver = false
    const send = (connection: PollingConnection) => {
      calls++
      connection.call()
    }
    const start = performance.now()
    await this.latch.untilSettled((resolve, reject) => {
      this.onAnswered = (connection) => {
        answers++
        if (!isOver) send(connection)
        else if (answers === calls) resolve()
      }
      setTimeout(() => {
        isOver = true
        setTimeout(() => reject(new Error(`${calls - answers} calls have no answer`)), DRAIN_TIMEOUT_MS).unref()
      }, windowMs)
      for (const connection of this.connections) send(connection)
    })
    const elapsedMs = performance.now() - start
    await sleep(SURPLUS_MS)
    this.latch.assertWhole()
    return { calls, elapsedMs }
  }
}
