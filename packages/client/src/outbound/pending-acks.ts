import { type NamedBody, RoomcastError } from '@roomcast/protocol'
import { PENDING_ACKS } from '../tables'

/**
 * Told once how a call ended: an error, or the arguments of the ack.
 *
 * @param isLost  Whether no answer came. An error of the server is one, even if it has the same code.
 */
export type AckSettle = (error: RoomcastError | null, args: readonly unknown[], isLost?: boolean) => void

/** A call that waits. */
export interface PendingAck {
  readonly settle: AckSettle
  readonly timer: ReturnType<typeof setTimeout>
  readonly isBounded: boolean
  /** If it is one of the library, that was sent. */
  request?: NamedBody
}

/** The calls that one socket waits for. Each settles exactly once: answered, failed, timed out or disconnected. */
export class PendingAcks {
  readonly #pending = new Map<number, PendingAck>()
  readonly #onSettled: (id: number) => void
  #lastId = 0
  /** Those that were made by the application. */
  #bounded = 0

  /** @param onSettled  Told after each call that has ended: another one has a place. */
  constructor(onSettled: (id: number) => void) {
    this.#onSettled = onSettled
  }

  /**
   * @param timeoutMs  Milliseconds until it fails with `ACK_TIMEOUT`.
   * @param reused  Id of an earlier call that was settled, to use it again for the same event; -1 for a new one. No id is ever
   *                that of two events.
   * @param isBounded  Whether it counts, and may be one too many.
   * @returns The ack id to send, or -1 if too many calls are pending; then `settle` was called.
   */
  add(timeoutMs: number, settle: AckSettle, reused = -1, isBounded = true): number {
    if (isBounded && this.isFull) {
      settle(new RoomcastError('TOO_MANY_PENDING_ACKS', `${PENDING_ACKS} calls are pending`), [])
      return -1
    }
    const id = reused < 0 ? ++this.#lastId : reused
    const expire = () => this.settle(id, new RoomcastError('ACK_TIMEOUT', `no answer in ${timeoutMs} ms`), [], true)
    this.#pending.set(id, { settle, timer: setTimeout(expire, timeoutMs), isBounded })
    if (isBounded) this.#bounded++
    return id
  }

  /** Whether as many calls of the application wait as may. */
  get isFull(): boolean {
    return this.#bounded >= PENDING_ACKS
  }

  /** The call, if it still waits. */
  get(id: number): PendingAck | undefined {
    return this.#pending.get(id)
  }

  /** Whether the call still waits. */
  has(id: number): boolean {
    return this.#pending.has(id)
  }

  /** Ends a call; late and unknown answers are ignored. */
  settle(id: number, error: RoomcastError | null, args: readonly unknown[], isLost = false): void {
    const ack = this.#pending.get(id)
    this.forget(id)
    ack?.settle(error, args, isLost)
    this.#onSettled(id)
  }

  /** Drops a call without telling anybody. */
  forget(id: number): void {
    const ack = this.#pending.get(id)
    clearTimeout(ack?.timer)
    if (this.#pending.delete(id) && ack?.isBounded) this.#bounded--
  }

  /** Fails every call that `isSent` with `DISCONNECTED`. */
  failSent(isSent: (id: number) => boolean): void {
    for (const id of [...this.#pending.keys()]) {
      if (isSent(id)) this.settle(id, new RoomcastError('DISCONNECTED', 'the link was lost'), [], true)
    }
  }
}
