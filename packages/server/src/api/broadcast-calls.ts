import { callListener, LIMITS, RoomcastError } from '@roomcast/protocol'
import type { AckOutcome } from '../connection/pending-acks'
import { BroadcastCall } from './broadcast-call'
import type { BroadcastSettle } from './room-emitter'
import type { Runtime } from './runtime'
import type { AnySocket } from './socket'

/** The emits to many of one namespace that wait for answers. */
export class BroadcastCalls {
  private readonly open = new Map<number, BroadcastCall<AnySocket>>()
  /** Odd: even ids are calls of one socket. */
  private lastId = 1

  constructor(
    private readonly runtime: Runtime,
    private readonly onListenerError: (error: unknown, event: string) => void,
  ) {}

  /** The ack id of the next call. */
  nextId(): number {
    this.lastId += 2
    return this.lastId
  }

  /** @returns Whether there was room for it; else `settle` has been told. */
  add(ackId: number, receivers: Set<AnySocket>, timeoutMs: number | undefined, settle: BroadcastSettle): boolean {
    const guarded: BroadcastSettle = (...outcome) =>
      callListener(settle, undefined, outcome, (fault) => this.onListenerError(fault, 'ack'))
    if (this.open.size >= LIMITS.pendingBroadcasts) {
      guarded(new RoomcastError('TOO_MANY_PENDING_ACKS', `${LIMITS.pendingBroadcasts} broadcasts wait for answers`), [])
      return false
    }
    const { wheel, ackTimeoutMs } = this.runtime
    const done = () => this.open.delete(ackId)
    this.open.set(ackId, new BroadcastCall(receivers, timeoutMs ?? ackTimeoutMs, wheel, guarded, done))
    return true
  }

  /** It was sent: ends at once if nobody is there to answer. */
  sent(ackId: number): void {
    this.open.get(ackId)?.finishIfComplete()
  }

  /** Whether an answer of a socket is awaited. */
  awaits(socket: AnySocket, ackId: number): boolean {
    return this.open.get(ackId)?.awaits(socket) ?? false
  }

  /** An answer of a socket. */
  answer(socket: AnySocket, ackId: number, error: RoomcastError | null, args: readonly unknown[]): AckOutcome {
    if (this.open.get(ackId)?.answer(socket, error, args)) return 'settled'
    return ackId <= this.lastId ? 'late' : 'unknown'
  }

  /** A socket is gone. */
  leave(socket: AnySocket): void {
    for (const call of this.open.values()) call.leave(socket)
  }
}
