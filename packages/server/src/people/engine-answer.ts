import { isThenable, LIMITS, RoomcastError } from '@roomcast/protocol'
import type { Soon } from '../cluster/engine'
import type { Deadline, TimingWheel } from '../connection/timing-wheel'

/**
 * Asks the engine: in this turn, if it has the answer; otherwise for up to `LIMITS.ackTimeoutMs`.
 *
 * @param what  What it is asked for, for messages.
 * @throws RoomcastError `ENGINE_FAILED`, now or as a rejection, with the engine's own error as its cause.
 */
export function askEngine<Value>(wheel: TimingWheel, what: string, ask: () => Soon<Value>): Soon<Value> {
  let answer: Soon<Value>
  try {
    answer = ask()
  } catch (error) {
    throw engineFailed(`failed: ${what}`, error)
  }
  return isThenable(answer) ? inTime(wheel, what, answer as PromiseLike<Value>) : answer
}

/** The error of an engine that failed, or said what it may not. */
export function engineFailed(how: string, cause?: unknown): RoomcastError {
  return new RoomcastError('ENGINE_FAILED', `the engine ${how}`, { cause })
}

function inTime<Value>(wheel: TimingWheel, what: string, answer: PromiseLike<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const deadline: Deadline = {
      slot: null,
      dueAt: 0,
      expire: () => reject(engineFailed(`did not answer in ${LIMITS.ackTimeoutMs} ms: ${what}`)),
    }
    wheel.schedule(deadline, LIMITS.ackTimeoutMs)
    answer.then(
      (value) => {
        wheel.cancel(deadline)
        resolve(value)
      },
      (error: unknown) => {
        wheel.cancel(deadline)
        reject(engineFailed(`failed: ${what}`, error))
      },
    )
  })
}
