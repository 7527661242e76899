import { LIMITS } from '@roomcast/protocol'

/** An event that arrived and waits. */
export interface HeldEvent {
  readonly event: string
  readonly ackId: number
  readonly args: unknown[]
}

/** Events of a client that arrived while an asynchronous `connection` handler of its socket still runs. */
export class HeldFrames {
  private readonly events: HeldEvent[] = []
  private bytes = 0

  /** @returns Whether there was room for it. */
  push(event: HeldEvent, frameBytes: number): boolean {
    if (this.events.length >= LIMITS.heldFrames || this.bytes + frameBytes > LIMITS.heldBytes) return false
    this.events.push(event)
    this.bytes += frameBytes
    return true
  }

  /** The events in order of arrival. */
  all(): readonly HeldEvent[] {
    return this.events
  }
}
