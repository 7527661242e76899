import type { ValueCodec } from '@roomcast/protocol'
import type { TimingWheel } from '../connection/timing-wheel'
import type { TurnQueue } from '../egress/turn-queue'
import type { FaultHook } from '../observe/report'

/** What the parts of one server share. */
export interface Runtime {
  readonly codec: ValueCodec
  readonly turn: TurnQueue
  readonly wheel: TimingWheel
  readonly reportFault: FaultHook
  /** Milliseconds until a call without an answer fails, where the call names none. */
  readonly ackTimeoutMs: number
  /** Largest frame a client may send, in bytes; announced to it. */
  readonly maxFrameBytes: number
}
