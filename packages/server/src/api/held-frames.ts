import { LIMITS } from '@roomcast/protocol'

/** An event, a call or a request that arrived, and may have to wait. */
export interface HeldFrame {
  /** `call`: an event that takes effect once; `request`: one of the library. */
  readonly kind: 'call' | 'event' | 'request'
  readonly name: string
  readonly ackId: number
  readonly args: unknown[]
  /** Of the frame. */
  readonly bytes: number
}

/** What a client sent while its socket is not ready: an asynchronous `connection` handler runs, a login, or the search for a call. */
export class HeldFrames {
  private frames: HeldFrame[] = []
  private bytes = 0

  constructor(private readonly budget: HeldBudget) {}

  /** @returns Whether there was room for it. */
  push(frame: HeldFrame): boolean {
    if (this.frames.length >= LIMITS.heldFrames || this.bytes + frame.bytes > LIMITS.heldBytes) return false
    if (this.budget.bytesLeft < frame.bytes) return false
    this.frames.push(frame)
    this.bytes += frame.bytes
    this.budget.bytesLeft -= frame.bytes
    return true
  }

  /** Takes all of it, in order of arrival. */
  take(): readonly HeldFrame[] {
    const { frames } = this
    this.budget.bytesLeft += this.bytes
    this.frames = []
    this.bytes = 0
    return frames
  }
}

/** What all sockets of a server together may have waiting: clients decide when they log in. */
export interface HeldBudget {
  bytesLeft: number
}
