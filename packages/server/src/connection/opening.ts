import type { Deadline, TimingWheel } from './timing-wheel'

/** A connection, as far as its opening goes. */
interface Opened {
  end(name: 'CONNECT_TIMEOUT', reason: 'forced server close'): void
}

/**
 * The time from the link's opening until the first namespace is connected: what has come in it, and when it is over. Most
 * connections are past it, and have nothing of it then.
 */
export class Opening implements Deadline {
  slot: Set<Deadline> | null = null
  dueAt = 0
  /** Frames received: CONNECT, and others. */
  connects = 0
  frames = 0

  /** @param timeoutMs  Milliseconds after which the connection is ended. */
  constructor(
    private readonly connection: Opened,
    private readonly wheel: TimingWheel,
    timeoutMs: number,
  ) {
    wheel.schedule(this, timeoutMs)
  }

  expire(): void {
    const graceMs = this.wheel.graceMs()
    if (graceMs > 0) this.wheel.schedule(this, graceMs)
    else this.connection.end('CONNECT_TIMEOUT', 'forced server close')
  }

  /** The connection is not ended any more. Harmless when that was said before. */
  cancel(): void {
    this.wheel.cancel(this)
  }
}
