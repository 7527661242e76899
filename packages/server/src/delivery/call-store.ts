import { isThenable, LIMITS, RoomcastError } from '@roomcast/protocol'
import type { Soon, Store } from '../cluster/engine'
import type { Deadline, TimingWheel } from '../connection/timing-wheel'
import type { FaultHook } from '../observe/report'
import { attempt } from './soon'

/** Answers in the engine's store. Nothing here throws or rejects: faults of the store are reported, and told by a callback. */
export class CallStore {
  constructor(
    private readonly store: Store,
    private readonly wheel: TimingWheel,
    private readonly onFault: FaultHook,
  ) {}

  /** Goes on with the answer, null if there is none; or with `failed`, also if the store does not answer in `ackTimeoutMs`. */
  read<Result>(
    key: string,
    found: (answer: Uint8Array | null) => Result,
    failed: () => Result,
  ): Promise<Result> | Result {
    const fail = (error: unknown) => {
      this.report(error)
      return failed()
    }
    let value: Soon<Uint8Array | null>
    try {
      value = this.store.get(key)
    } catch (error) {
      return fail(error)
    }
    if (!isThenable(value)) return found(value as Uint8Array | null)
    return this.inTime(value as PromiseLike<Uint8Array | null>).then(found, fail)
  }

  /** @returns Whether it has been written, or failed; else `done` or `failed` tells later. `failed` is always called. */
  write(key: string, answer: Uint8Array, ttlMs: number, done: () => void, failed: () => void): boolean {
    const fail = (error: unknown) => {
      this.report(error)
      failed()
    }
    try {
      const written = this.store.put(key, answer, ttlMs)
      if (!isThenable(written)) return true
      written.then(done, fail)
      return false
    } catch (error) {
      fail(error)
      return true
    }
  }

  /** Takes an answer out before its time. */
  drop(key: string): void {
    attempt(
      () => this.store.take(key),
      (error) => this.report(error),
    )
  }

  /** Bounds the time that frames of a client are held. */
  private inTime<Value>(value: PromiseLike<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      const message = `the store of the engine did not answer in ${LIMITS.ackTimeoutMs} ms`
      const expire = () => reject(new RoomcastError('ACK_TIMEOUT', message))
      const deadline: Deadline = { slot: null, dueAt: 0, expire }
      this.wheel.schedule(deadline, LIMITS.ackTimeoutMs)
      value.then(
        (found) => {
          this.wheel.cancel(deadline)
          resolve(found)
        },
        (error: unknown) => {
          this.wheel.cancel(deadline)
          reject(error)
        },
      )
    })
  }

  private report(error: unknown): void {
    this.onFault(error, { where: 'engine', name: 'results of calls' })
  }
}
