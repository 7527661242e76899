import { LIMITS } from '@roomcast/protocol'

/** An event or a request that arrived and waits. */
export interface HeldFrame {
  /** An event; else a request of the library. */
  readonly isEvent: boolean
  readonly name: string
  readonly ackId: number
  readonly args: unknown[]
  /** Of the frame. */
  readonly bytes: number
}

/** What a client sent while its socket is not ready: an asynchronous `connection` handler runs, or a login. */
export class HeldFrames {
  private readonly frames: HeldFrame[] = []
  private bytes = 0

  /** @returns Whether there was room for it. */
  push(frame: HeldFrame): boolean {
    if (this.frames.length >= LIMITS.heldFrames || this.bytes + frame.bytes > LIMITS.heldBytes) return false
    this.frames.push(frame)
    this.bytes += frame.bytes
    return true
  }

  /** In order of arrival. */
  all(): readonly HeldFrame[] {
    return this.frames
  }
}
