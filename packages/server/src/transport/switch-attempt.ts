import { CLOSE_CODES } from '@roomcast/protocol'
import type { AnySocket } from '../api/socket'
import type { Connection } from '../connection/connection'
import type { Deadline, TimingWheel } from '../connection/timing-wheel'
import type { WirePort } from '../connection/wire-port'

/** The session that is moving, as the attempt sees it. */
export interface SwitchingSession {
  readonly connection: Connection<AnySocket>
  startSwitch(attempt: SwitchAttempt): void
  completeSwitch(attempt: SwitchAttempt): boolean
  endSwitch(attempt: SwitchAttempt, endLink: (attempt: SwitchAttempt) => void): void
}

/**
 * The time in which a connection is on two transports: from SWITCHED until the client's first frame on the WebSocket.
 *
 *   begun ──first frame──► complete      ──WebSocket closed, POST, time over──► failed: polling goes on
 */
export class SwitchAttempt implements Deadline {
  slot: Set<Deadline> | null = null
  dueAt = 0

  /** @param wire  The WebSocket that the connection moves to. */
  constructor(
    private readonly session: SwitchingSession,
    readonly wire: WirePort,
    private readonly wheel: TimingWheel,
    timeoutMs: number,
  ) {
    wheel.schedule(this, timeoutMs)
  }

  /** Tells the client, and sends what it has not received. */
  start(): void {
    this.session.startSwitch(this)
  }

  /** The client's first frame is here. @returns The connection that it is for; null if the move has failed. */
  complete(): Connection<AnySocket> | null {
    return this.session.completeSwitch(this) ? this.session.connection : null
  }

  /** The WebSocket has closed. */
  linkClosed(): void {
    this.session.endSwitch(this, () => {})
  }

  expire(): void {
    this.session.endSwitch(this, (attempt) => attempt.refuse('the client took too long to move'))
  }

  /** Closes the WebSocket. */
  refuse(message: string): void {
    this.wire.end(CLOSE_CODES.SWITCH_REFUSED, message)
  }

  cancelDeadline(): void {
    this.wheel.cancel(this)
  }
}
