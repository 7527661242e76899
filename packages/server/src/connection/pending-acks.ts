import { LIMITS, RoomcastError } from '@roomcast/protocol'
import type { Deadline, TimingWheel } from './timing-wheel'

/** Told once how a call ended: an error, or the arguments of the ack. */
export type AckSettle = (error: RoomcastError | null, args: readonly unknown[]) => void

/** What became of an answer: `late` was asked for once, `unknown` never. */
export type AckOutcome = 'late' | 'settled' | 'unknown'

class PendingAck implements Deadline {
  slot: Set<Deadline> | null = null
  dueAt = 0

  constructor(
    private readonly owner: PendingAcks,
    private readonly id: number,
    readonly timeoutMs: number,
    readonly settle: AckSettle,
  ) {}

  expire(): void {
    this.owner.settle(this.id, new RoomcastError('ACK_TIMEOUT', `no answer in ${this.timeoutMs} ms`), [])
  }
}

/** Why a call fails whose socket is gone. */
export function disconnectedError(): RoomcastError {
  return new RoomcastError('DISCONNECTED', 'the socket was disconnected before the answer')
}

/** The calls that one socket waits for. Each settles exactly once: answered, failed, timed out or disconnected. */
export class PendingAcks {
  private readonly pending = new Map<number, PendingAck>()
  private lastId = 0

  constructor(private readonly wheel: TimingWheel) {}

  /**
   * @param timeoutMs  Milliseconds until it fails with `ACK_TIMEOUT`.
   * @returns The ack id to send, even (odd ids belong to broadcasts), or -1 if too many calls are pending;
   *          then `settle` was called with `TOO_MANY_PENDING_ACKS`.
   */
  add(timeoutMs: number, settle: AckSettle): number {
    if (this.pending.size >= LIMITS.pendingAcks) {
      settle(new RoomcastError('TOO_MANY_PENDING_ACKS', `${LIMITS.pendingAcks} calls are waiting for an answer`), [])
      return -1
    }
    this.lastId += 2
    const ack = new PendingAck(this, this.lastId, timeoutMs, settle)
    this.pending.set(this.lastId, ack)
    this.wheel.schedule(ack, timeoutMs)
    return this.lastId
  }

  /** Whether a call still waits. */
  has(id: number): boolean {
    return this.pending.has(id)
  }

  /** Ends a call with its answer, if it still waits for one. */
  settle(id: number, error: RoomcastError | null, args: readonly unknown[]): AckOutcome {
    const ack = this.pending.get(id)
    if (ack === undefined) return id <= this.lastId ? 'late' : 'unknown'
    this.forget(id)
    ack.settle(error, args)
    return 'settled'
  }

  /** Drops a call that was never sent; harmless for ids that are not pending. */
  forget(id: number): void {
    const ack = this.pending.get(id)
    if (ack === undefined) return
    this.pending.delete(id)
    this.wheel.cancel(ack)
  }

  /** Fails every pending call with `DISCONNECTED`. */
  failAll(): void {
    for (const id of [...this.pending.keys()]) {
      this.settle(id, disconnectedError(), [])
    }
  }
}
