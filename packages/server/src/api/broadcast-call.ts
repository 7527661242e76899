import { RoomcastError } from '@roomcast/protocol'
import type { Deadline, TimingWheel } from '../connection/timing-wheel'
import type { BroadcastSettle } from './room-emitter'

/**
 * One emit to many that waits for their answers. It was encoded once, with one ack id for all receivers;
 * the set of those still awaited also refuses second answers and answers of others.
 */
export class BroadcastCall<Member> implements Deadline {
  slot: Set<Deadline> | null = null
  dueAt = 0
  private readonly responses: unknown[] = []
  private failure: RoomcastError | null = null

  constructor(
    private readonly awaited: Set<Member>,
    private readonly timeoutMs: number,
    private readonly wheel: TimingWheel,
    private readonly settle: BroadcastSettle,
    private readonly onDone: () => void,
  ) {
    wheel.schedule(this, timeoutMs)
  }

  /** Whether an answer of `member` is awaited. */
  awaits(member: Member): boolean {
    return this.awaited.has(member)
  }

  /** @returns Whether an answer of `member` was awaited. */
  answer(member: Member, error: RoomcastError | null, args: readonly unknown[]): boolean {
    if (!this.awaited.delete(member)) return false
    if (error === null) this.responses.push(args[0])
    else this.failure ??= error
    this.finishIfComplete()
    return true
  }

  /** Stops waiting for a member that is gone. */
  leave(member: Member): void {
    if (this.awaited.delete(member)) this.finishIfComplete()
  }

  /** Ends the call at once if there is nobody to wait for. */
  finishIfComplete(): void {
    if (this.awaited.size === 0) this.finish(this.failure)
  }

  expire(): void {
    this.finish(
      new RoomcastError('ACK_TIMEOUT', `${this.awaited.size} receivers have not answered in ${this.timeoutMs} ms`),
    )
  }

  private finish(error: RoomcastError | null): void {
    this.wheel.cancel(this)
    this.onDone()
    this.settle(error, this.responses)
  }
}
