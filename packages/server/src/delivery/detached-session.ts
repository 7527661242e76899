import type { Deadline } from '../connection/timing-wheel'
import { userRoom } from '../rooms/room-index'
import type { Session } from './session'
import type { Tracking } from './tracking'

/** What a socket leaves behind for the one that takes its place. */
export interface SessionState {
  readonly session: Session
  /** Number of the namespace. */
  readonly namespace: number
  readonly userId: string | null
  /** Rooms it was in, without its own. */
  readonly rooms: Set<string>
  readonly tracking: Tracking
  /** `socket.data`, encoded; null if it was never used. */
  readonly data: Uint8Array | null
  /** Told when it has ended without a link. */
  readonly onEnded: () => void
}

/** A session without a link. */
export class DetachedSession implements Deadline {
  slot: Set<Deadline> | null = null
  dueAt = 0

  constructor(
    readonly state: SessionState,
    private readonly onOver: (detached: DetachedSession) => void,
  ) {}

  expire(): void {
    this.onOver(this)
  }

  /** Whether one of these names means it: its id, its user, or a room it is in. */
  goesBy(names: readonly string[]): boolean {
    const { session, userId, rooms } = this.state
    return names.some(
      (name) => name === session.id || rooms.has(name) || (userId !== null && name === userRoom(userId)),
    )
  }
}
