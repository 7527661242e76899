import { type DefaultUser, type PublicUser, RoomcastError, type UserEntry } from '@roomcast/protocol'
import type { UserListEvents } from '../people/roster-events'
import type { Rosters } from '../people/rosters'

/** Some users of a list. */
export interface UserPage<User extends PublicUser> {
  readonly users: readonly UserEntry<User>[]
  /** What to give as `after` for the next page; undefined on the last. */
  readonly next: number | undefined
}

type EventName = keyof UserListEvents

/**
 * The users of one room, or of a namespace: one entry for each, however many connections. A view: it costs nothing to ask for one
 * again. The answers are of all servers, with everything that has happened on this one; they reject with `ENGINE_FAILED` if
 * the engine does not know.
 */
export class UserList<User extends PublicUser = DefaultUser> {
  /** @internal */
  constructor(
    // biome-ignore lint/suspicious/noExplicitAny: variance: rosters of any sockets have to fit
    private readonly rosters: Rosters<any>,
    /** Name of the room; null for everybody in the namespace. */
    readonly room: string | null,
  ) {}

  /** Everybody, in order of arrival. */
  async list(): Promise<UserEntry<User>[]> {
    return (await this.rosters.members.list(this.room)) as UserEntry<User>[]
  }

  /** How many users there are. */
  async count(): Promise<number> {
    return this.rosters.members.count(this.room)
  }

  /** One user; undefined if they are not there. */
  async get(id: string): Promise<UserEntry<User> | undefined> {
    return (await this.rosters.members.get(this.room, id)) as UserEntry<User> | undefined
  }

  /**
   * A part of a long list. Who comes or goes between two pages is on one of them, or on none, and nobody is on both unless
   * they came again.
   *
   * @param limit  Entries at most, from 1. @default 100
   * @param after  `next` of the page before.
   * @throws RoomcastError `INVALID_OPTION`, `ENGINE_FAILED`.
   */
  async page(part: { readonly limit?: number; readonly after?: number | undefined } = {}): Promise<UserPage<User>> {
    const { limit = PAGE_ENTRIES, after = 0 } = part
    if (!Number.isInteger(limit) || limit < 1) {
      throw new RoomcastError('INVALID_OPTION', `limit is ${limit}; it has to be an integer from 1`)
    }
    if (!Number.isSafeInteger(after) || after < 0) {
      throw new RoomcastError('INVALID_OPTION', `after is ${after}; it has to be the next of a page`)
    }
    return (await this.rosters.members.page(this.room, after, limit)) as UserPage<PublicUser> as UserPage<User>
  }

  /** Calls `listener` for each change, at once and not only when watchers are told. */
  on<Event extends EventName>(event: Event, listener: UserListEvents<User>[Event]): this {
    this.events().on(event, listener as UserListEvents[Event])
    return this
  }

  /** As {@link on}, for the next change only. */
  once<Event extends EventName>(event: Event, listener: UserListEvents<User>[Event]): this {
    this.events().once(event, listener as UserListEvents[Event])
    return this
  }

  /** Removes `listener`; without one all of the event's; without an event all there are. */
  off<Event extends EventName>(event?: Event, listener?: UserListEvents<User>[Event]): this {
    this.events().off(event, listener as UserListEvents[Event])
    return this
  }

  private events(): ListEvents {
    return this.rosters.eventsOf(this.room)
  }
}

/** {@link RosterEvents} as its listeners see it. */
interface ListEvents {
  on(event: EventName, listener: UserListEvents[EventName]): unknown
  once(event: EventName, listener: UserListEvents[EventName]): unknown
  off(event?: EventName, listener?: UserListEvents[EventName]): unknown
}

const PAGE_ENTRIES = 100
