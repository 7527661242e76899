import { type DefaultUser, Emitter, type PublicUser, type RoomcastError, type UserEntry } from '@roomcast/protocol'
import type { EventSender } from '../outbound/event-sender'
import type { Asker } from './credentials'

/** What a watch tells: who is there, or how many. */
export type WatchMode = 'count' | 'users'

/** Options of `socket.watchUsers`. */
export interface WatchOptions {
  /** Numbers cost much less in a large room. @default 'users' */
  readonly mode?: WatchMode
}

/** Events of a {@link UserWatch}. */
export interface UserWatchEvents<User extends PublicUser = DefaultUser> {
  /** A user came. */
  join: (entry: UserEntry<User>) => void
  /** The last connection of a user is gone. */
  leave: (entry: UserEntry<User>) => void
  /** Profile or number of devices of a user have changed. */
  change: (entry: UserEntry<User>, before: UserEntry<User>) => void
  /** Something has changed: once, behind the others; the only one in the mode `count`. */
  update: () => void
  /** The watch has ended: by `stop()`, or with the error that the server gave for it. Nothing follows. */
  stop: (error?: RoomcastError) => void
}

/** The socket of a {@link UserWatch}. */
export interface WatchHost extends Asker {
  /** Undefined while it is not connected. */
  readonly id: string | undefined
}

/** A list that is refused after a reconnect is asked for again: the socket may not be in its room yet. */
const RETRIES = 4
const RETRY_MS = 250

type Users<User extends PublicUser> = Map<string, UserEntry<User>>

/**
 * The users of a room, or of a whole namespace, kept up to date. Begins again by itself after each connect; until then it
 * shows what was known last.
 *
 *     const watch = await socket.watchUsers('lobby')
 *     watch.on('join', ({ user }) => console.log(user.id))
 *     for await (const entries of watch) render(entries)
 *
 * How it is kept:
 *
 *   load ──► `watch` ──answered──► rows ──► `users` … the last rows ──► shown ◄───┐
 *    ▲          └── notices before the answer are older                   └─notice─┘
 *    └── a version is missing; another connection; refused, RETRIES times at most
 */
export class UserWatch<User extends PublicUser = DefaultUser>
  extends Emitter<Record<never, never>, UserWatchEvents<User>>
  implements AsyncIterable<readonly UserEntry<User>[]>
{
  /** How many users there are. */
  count = 0
  /** What the server tells: it may have chosen `count` where `users` was asked for. */
  mode: WatchMode
  /** Whether it has ended; the event `stop` tells why. */
  stopped = false
  /** @internal Whether the answer to `watch` is awaited. */
  isAsking = false
  /** @internal Whether the server may be telling of the list: it was asked to, and has not refused. */
  isWatched = false
  readonly #host: WatchHost
  readonly #sender: EventSender
  readonly #onStop: () => void
  readonly #wanted: WatchMode
  #users: Users<User> = new Map()
  #list: readonly UserEntry<User>[] | null = null
  /** What the pages so far have brought; null while none is awaited. */
  #loading: Users<User> | null = null
  #version = 0
  /** Ack id of a `watch` as long as it could not be sent. */
  #unsent = 0
  #failures = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Told when the list is there for the first time, or why it will not be. */
  #onReady: ((error?: RoomcastError) => void) | null = null
  #updates = 0
  /** Loops that wait for the next update. */
  readonly #sleepers: (() => void)[] = []

  /** @internal */
  constructor(
    host: WatchHost,
    sender: EventSender,
    /** Name of the room; null for everybody in the namespace. */
    readonly room: string | null,
    mode: WatchMode,
    onStop: () => void,
  ) {
    super()
    this.#host = host
    this.#sender = sender
    this.mode = this.#wanted = mode
    this.#onStop = onStop
  }

  /** One user; undefined if they are not there. */
  get(id: string): UserEntry<User> | undefined {
    return this.#users.get(id)
  }

  /** The users in order of arrival, none in the mode `count`. The same array until something changes. */
  list(): readonly UserEntry<User>[] {
    // Rows of later pages may come behind notices of those who are new.
    this.#list ??= [...this.#users.values()].sort((a, b) => a.joinedAt - b.joinedAt)
    return this.#list
  }

  /** Ends the watch. The last one of a room ends it on the server too. */
  stop(): void {
    this.end()
  }

  /**
   * Gives the list, and again whenever it has changed, until the watch stops. A loop that takes its time gets the
   * newest, and misses what was between. Leaving a loop does not stop the watch.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<readonly UserEntry<User>[], void, void> {
    let seen = -1
    while (!this.stopped) {
      if (seen === this.#updates) await new Promise<void>((resolve) => this.#sleepers.push(resolve))
      else {
        seen = this.#updates
        yield this.list()
      }
    }
  }

  /** @internal @returns This, as soon as all of the list is there. */
  start(): Promise<this> {
    return new Promise((resolve, reject) => {
      this.#onReady = (error) => (error ? reject(error) : resolve(this))
      this.#load()
    })
  }

  /** @internal The socket is connected: what the server knew of its watches is gone. */
  onConnected(): void {
    this.#failures = 0
    this.#load()
  }

  /** @internal A notice of changes; in the mode `count` without rows. */
  apply([version, count, changed, gone]: readonly unknown[]): void {
    // The answer that is awaited is newer.
    if (this.isAsking || !((version as number) > this.#version)) return
    if (version !== this.#version + 1) {
      this.#loading = null
      return this.#load()
    }
    this.#version = version
    const users = this.#loading ?? new Map(this.#users)
    put(users, changed)
    for (const id of asList(gone)) users.delete(id as string)
    if (!this.#loading) this.#show(users, count)
  }

  /** @internal The server has ended the watch; not one that is asked for again. */
  revoke(error: RoomcastError): void {
    if (this.isAsking) return
    this.isWatched = false
    this.end(error)
  }

  /** @internal */
  end(error?: RoomcastError): void {
    if (this.stopped) return
    this.stopped = true
    this.#loading = null
    clearTimeout(this.#timer)
    this.#onStop()
    this.#wake()
    this.#onReady?.(error)
    this.fire('stop', error)
  }

  /** @internal */
  override onListenerError(error: unknown, event: string): void {
    this.#host.onListenerError(error, event)
  }

  /** Asks for all of it; once at a time. Without a connection the request waits for one. */
  #load(): void {
    if (!this.isAsking && !this.#loading) {
      this.isAsking = true
      clearTimeout(this.#timer)
      this.#unsent = this.#sender.expect((error, [answer], isLost) => {
        this.isAsking = false
        this.#unsent = 0
        if (error && !isLost) this.isWatched = false
        if (this.stopped) return
        if (error) return this.#fail(error)
        const { mode, version, count, users, next } = (answer ?? {}) as Record<string, unknown>
        this.mode = mode as WatchMode
        this.#version = version as number
        this.#add(new Map(), count, users, next)
      })
    }
    if (!this.#host.id || this.#unsent <= 0) return
    this.#sender.request(this.#unsent, 'watch', this.room, this.#wanted)
    this.isWatched = true
    this.#unsent = 0
  }

  /** Some rows of the answer; `next` if there are more. */
  #add(users: Users<User>, count: unknown, rows: unknown, next: unknown): void {
    put(users, rows)
    this.#loading = typeof next === 'number' ? users : null
    if (!this.#loading) return this.#show(users, count)
    const ackId = this.#sender.expect((error, [more, after]) => {
      // Asked for again meanwhile.
      if (this.#loading !== users) return
      if (error) this.#fail(error)
      else this.#add(users, count, more, after)
    })
    this.#sender.request(ackId, 'users', this.room, next)
  }

  /** The list is complete: tells how it differs from the one before. @param told  How many the server says they are. */
  #show(users: Users<User>, told: unknown): void {
    const changes: [event: 'change', entry: UserEntry<User>, before: UserEntry<User>][] = []
    // The cast: of the arguments TypeScript sees that they go with one of the events, and not with which.
    const note = (...change: unknown[]) => changes.push(change as (typeof changes)[0])
    for (const [id, entry] of this.#users) if (!users.has(id)) note('leave', entry)
    for (const [id, entry] of users) {
      const before = this.#users.get(id)
      if (!before) note('join', entry)
      else if (before === entry) continue
      else if (JSON.stringify(before) !== JSON.stringify(entry)) note('change', entry, before)
      else users.set(id, before)
    }
    // What it says may be ahead of the rows that fit into a frame.
    const count = this.mode === 'users' ? users.size : (told as number)
    const isNew = changes.length > 0 || this.count !== count
    this.#failures = 0
    this.#users = users
    this.count = count
    this.#onReady?.()
    this.#onReady = null
    if (!isNew) return
    this.#list = null
    this.#updates++
    if (this.mode !== 'users') changes.length = 0
    note('update')
    for (const change of changes) if (!this.stopped) this.fire(...change)
    this.#wake()
  }

  #fail(error: RoomcastError): void {
    this.#loading = null
    // Where there is no connection, the next one begins again.
    if (this.#onReady || (this.#host.id && this.#failures >= RETRIES)) this.end(error)
    else if (this.#host.id)
      this.#timer = setTimeout(() => this.#host.id && this.#load(), RETRY_MS * 2 ** this.#failures++)
  }

  #wake(): void {
    for (const wake of this.#sleepers.splice(0)) wake()
  }
}

/** Enters rows. One without a profile changes the rest of a user. */
function put<User extends PublicUser>(users: Users<User>, rows: unknown): void {
  for (const row of asList(rows)) {
    const [id, devices, joinedAt, profile] = asList(row) as [string, number, number, object?]
    const user = profile ? { id, ...profile } : users.get(id)?.user
    // Without one, the page that it is on is still to come. The cast: what profiles hold is known to the server alone.
    if (user) users.set(id, { user: user as User, devices, joinedAt })
  }
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
