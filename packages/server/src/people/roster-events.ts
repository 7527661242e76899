import { type DefaultUser, Emitter, type PublicUser, type UserEntry } from '@roomcast/protocol'
import type { FaultHook } from '../observe/report'

/** Events of a user list on the server, fired as soon as something changes. */
export interface UserListEvents<User extends PublicUser = DefaultUser> {
  /** The first connection of a user came. */
  join: (entry: UserEntry<User>) => void
  /** The last one is gone, and did not come back in time. */
  leave: (entry: UserEntry<User>) => void
  /** Devices or profile of a user have changed. */
  change: (entry: UserEntry<User>) => void
}

/** Who listens to the changes of one roster on this server. */
export class RosterEvents extends Emitter<Record<never, never>, UserListEvents> {
  constructor(
    private readonly name: string,
    private readonly reportFault: FaultHook,
  ) {
    super()
  }

  get isUnused(): boolean {
    return ['join', 'leave', 'change'].every((event) => this.listenersOf(event).length === 0)
  }

  override onListenerError(error: unknown, event: string): void {
    this.reportFault(error, { where: 'listener', name: `users of ${this.name}: ${event}` })
  }
}
