import { LIMITS, RoomcastError } from '@roomcast/protocol'

/** Told once how a call ended: an error, or the arguments of the ack. */
export type AckSettle = (error: RoomcastError | null, args: readonly unknown[]) => void

interface PendingAck {
  readonly settle: AckSettle
  readonly timer: ReturnType<typeof setTimeout>
}

/** The calls that one socket waits for. Each settles exactly once: answered, failed, timed out or disconnected. */
export class PendingAcks {
  readonly #pending = new Map<number, PendingAck>()
  #lastId = 0

  /**
   * @param timeoutMs  Milliseconds until it fails with `ACK_TIMEOUT`.
   * @returns The ack id to send, or -1 if too many calls are pending; then `settle` was called.
   */
  add(timeoutMs: number, settle: AckSettle): number {
    if (this.isFull) {
      settle(new RoomcastError('TOO_MANY_PENDING_ACKS', `${LIMITS.pendingAcks} calls are waiting for an answer`), [])
      return -1
    }
    const id = ++this.#lastId
    const expire = () => this.settle(id, new RoomcastError('ACK_TIMEOUT', `no answer in ${timeoutMs} ms`), [])
    this.#pending.set(id, { settle, timer: setTimeout(expire, timeoutMs) })
    return id
  }

  /** Whether as many calls wait as may. */
  get isFull(): boolean {
    return this.#pending.size >= LIMITS.pendingAcks
  }

  /** Whether the call still waits. */
  has(id: number): boolean {
    return this.#pending.has(id)
  }

  /** Ends a call; late and unknown answers are ignored. */
  settle(id: number, error: RoomcastError | null, args: readonly unknown[]): void {
    const ack = this.#pending.get(id)
    this.forget(id)
    ack?.settle(error, args)
  }

  /** Drops a call without telling anybody. */
  forget(id: number): void {
    clearTimeout(this.#pending.get(id)?.timer)
    this.#pending.delete(id)
  }

  /** Fails every call that `isSent` with `DISCONNECTED`. */
  failSent(isSent: (id: number) => boolean): void {
    for (const id of [...this.#pending.keys()]) {
      if (isSent(id)) this.settle(id, new RoomcastError('DISCONNECTED', 'the link was lost before the answer'), [])
    }
  }
}
