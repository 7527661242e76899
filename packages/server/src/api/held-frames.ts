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

/** Of what is left for all, one socket may have so much: those who hold most are too many first, and who holds little has room. */
const SHARE = 1 / 16

/** What a client sent while its socket is not ready: an asynchronous handler runs, of `connection` or of an event, a login, or the search for a call. */
export class HeldFrames {
  /** Who holds it; the last one lets go. */
  holders = 0
  private frames: HeldFrame[] = []
  private bytes = 0

  constructor(private readonly budget: HeldBudget) {}

  /** @returns Whether there was room for it. */
  push(frame: HeldFrame): boolean {
    const bytes = this.bytes + frame.bytes
    if (this.frames.length >= LIMITS.heldFrames || bytes > LIMITS.heldBytes) return false
    if (bytes > this.budget.bytesLeft * SHARE) return false
    this.frames.push(frame)
    this.bytes += frame.bytes
    this.budget.bytesLeft -= frame.bytes
    return true
  }

  /** Takes the first. */
  shift(): HeldFrame | undefined {
    const frame = this.frames.shift()
    this.bytes -= frame?.bytes ?? 0
    this.budget.bytesLeft += frame?.bytes ?? 0
    return frame
  }

  /** Nobody waits for it any more. */
  drop(): void {
    this.budget.bytesLeft += this.bytes
    this.frames = []
    this.bytes = 0
  }
}

/** Events of one socket that are under way. */
export interface RunningTurns {
  count: number
  /** Lets the next one begin; null if nothing waits for it. */
  onFree: (() => void) | null
}

/** What all sockets of a server together may have waiting: clients decide when they log in. */
export interface HeldBudget {
  bytesLeft: number
}
