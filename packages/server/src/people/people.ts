import { type DefaultUser, LIMITS, RoomcastError, type UserEntry, type ValueCodec } from '@roomcast/protocol'
import { Recent } from '../connection/recent'
import type { Deadline, TimingWheel } from '../connection/timing-wheel'
import type { FaultHook } from '../observe/report'
import {
  type PresencePolicy,
  type ResolvedPeopleOptions,
  type ResolvedPresence,
  resolvePresence,
} from '../options/people-options'
import { RoomPolicies } from '../rooms/room-policies'
import type { Account, MemberLogin, PeopleMember } from './account'
import { Directory, type Entry } from './directory'
import { Feed, type FeedHost } from './feed'
import type { Identity, ProfileRules } from './identity'
import { Roster, type RosterHost } from './roster'
import { publicEntry, type Row } from './roster-entry'
import { RosterEvents } from './roster-events'

/** A socket that people can be told through. */
export interface Person extends PeopleMember {
  /** Sends a notice. PROTOCOL.md, section 11. */
  notify(notice: readonly unknown[]): void
}

/** What the people of one namespace need of their surroundings. */
export interface PeopleHost<Member> {
  readonly codec: ValueCodec
  readonly wheel: TimingWheel
  readonly reportFault: FaultHook
  /** Sends a notice to the subscribers of a topic. */
  publish(topic: string, notice: readonly unknown[]): void
  /** The login of a socket has ended, and was not renewed. */
  onExpired(member: Member): void
}

/** The answer to `watch`. */
export interface WatchAnswer {
  readonly mode: 'count' | 'users'
  readonly version: number
  readonly count: number
  readonly users: readonly Row[]
  readonly next: number | undefined
}

/**
 * Who is who in one namespace: users by id, the rosters of its rooms, and who watches them.
 *
 *   socket ──login──► account ──► roster of everybody ──► feed ──► watchers
 *      └──────join─────┴────────► roster of the room ───► feed ──► watchers
 */
export class People<Member extends Person> {
  private readonly directory: Directory<Member>
  private readonly everybody: Roster<Member>
  private readonly rosters = new Map<string, Roster<Member>>()
  private readonly policies = new RoomPolicies<ResolvedPresence>()
  private readonly watching = new Map<Member, Set<Feed<Member>>>()
  /** By room; '' for everybody. */
  private readonly events = new Map<string, RosterEvents>()
  /** When users were revoked: logins that began before are void. */
  private readonly revoked = new Recent<number>(LIMITS.rememberedLogins, LIMITS.rememberedCloseMs)
  private readonly rules: ProfileRules
  private readonly rosterHost: RosterHost<Member>
  private readonly feedHost: FeedHost

  constructor(
    private readonly namespaceNumber: number,
    private readonly options: ResolvedPeopleOptions,
    private readonly host: PeopleHost<Member>,
  ) {
    const { wheel } = host
    this.rules = { codec: host.codec, nameBytes: options.names.maxBytes }
    this.directory = new Directory(options, this.rules)
    this.feedHost = { wheel, publish: (topic, notice) => host.publish(topic, notice) }
    this.rosterHost = {
      wheel,
      onChange: (room, kind, entry) => this.events.get(room ?? '')?.fire(kind, entry),
      onGone: (roster, account) => {
        if (roster === this.everybody) this.directory.release(account)
        else this.tidy(roster)
      },
    }
    this.everybody = new Roster(null, options.presence, this.rosterHost)
  }

  /** What profiles have to keep. */
  get profileRules(): ProfileRules {
    return this.rules
  }

  /** Rules for the lists of rooms whose name matches. @throws RoomcastError `INVALID_OPTION`. */
  setPolicy(pattern: string, policy: PresencePolicy): void {
    this.policies.add(pattern, resolvePresence('presence', policy, this.options.presence))
  }

  /**
   * A socket is somebody from now on, or still. Nobody is told before {@link announce}.
   *
   * @param previous  Id of the socket that it had before its link was lost.
   * @throws What {@link assertMayEnter} throws; then nothing has changed.
   */
  enter(member: Member, identity: Identity, previous?: string): Entry<Member> {
    this.assertNotRevoked(identity)
    const entry = this.directory.enter(member, identity, previous)
    this.watchExpiry(member, member.login as MemberLogin<Member>, identity.expiresAt)
    return entry
  }

  /** Tells everybody what {@link enter} has changed. */
  announce(member: Member, { account, isFirst, isProfileNew }: Entry<Member>): void {
    if (isFirst) this.everybody.enter(account)
    if (isProfileNew) this.tellProfile(account, member)
  }

  /** @throws RoomcastError `USER_SESSION_LIMIT`, `NAME_IN_USE`, `LOGIN_REFUSED`. */
  assertMayEnter(member: Member, identity: Identity): void {
    this.assertNotRevoked(identity)
    this.directory.assertMayEnter(member, identity)
  }

  /** A socket that has left its rooms goes, or stops to be who it was. `login` stays, for those who are told. */
  exit(member: Member, isLost = false): void {
    const { login } = member
    this.stopWatching(member)
    if (login === null) return
    if (login.expiry !== null) this.host.wheel.cancel(login.expiry)
    login.expiry = null
    const account = this.directory.exit(member)
    if (account !== null) this.everybody.exit(account, isLost)
  }

  /** A socket has joined a room. */
  join(member: Member, room: string): void {
    const account = member.login?.account
    if (account) this.rosterOf(room)?.enter(account)
  }

  /** A socket has left a room. @param isLost  Its link was lost. */
  leave(member: Member, room: string, isLost = false): void {
    const account = member.login?.account
    if (account) this.rosters.get(room)?.exit(account, isLost)
    if (this.watching.has(member) && this.policyOf(room).watch === 'members') this.endWatches(member, room)
  }

  /** Puts a socket that has become somebody on the lists of the rooms it is in already. */
  joinAll(member: Member): void {
    for (const { name } of member.joined ?? []) this.join(member, name)
  }

  /** Sockets of a user. */
  membersOf(id: string): ReadonlySet<Member> {
    return this.directory.get(id)?.members ?? NOBODY
  }

  /** Forgets a user whose sockets were closed, and makes void what logins of theirs are under way. */
  revoke(id: string): void {
    this.revoked.add(id, this.host.wheel.now())
    const account = this.directory.get(id)
    if (account === undefined) return
    for (const list of [...account.lists]) list.forget(account)
  }

  /**
   * Changes fields of a profile; undefined takes one away.
   *
   * @throws RoomcastError `USER_NOT_ONLINE`, `NAME_IN_USE`, `INVALID_NAME`, `INVALID_USER`; then nothing has changed.
   */
  update(id: string, changes: Readonly<Record<string, unknown>>): DefaultUser {
    const account = this.directory.update(id, changes)
    this.tellProfile(account, null)
    return account.user
  }

  /** Whether a user is online, or expected back. */
  isOnline(id: string): boolean {
    return this.everybody.get(id) !== undefined
  }

  /** Users of a room in order of arrival, or of the namespace. */
  entries(room: string | null): UserEntry[] {
    return this.listOf(room)?.from(0).map(publicEntry) ?? []
  }

  /** Some of them. @param after  Place behind which they begin, 0 or the `next` of a part before. */
  part(room: string | null, after: number, limit: number): { users: UserEntry[]; next: number | undefined } {
    const rest = this.listOf(room)?.from(after) ?? []
    const entries = rest.slice(0, limit)
    return { users: entries.map(publicEntry), next: rest.length > limit ? entries.at(-1)?.place : undefined }
  }

  /** One of them. */
  entry(room: string | null, id: string): UserEntry | undefined {
    const entry = this.listOf(room)?.get(id)
    return entry && publicEntry(entry)
  }

  /** How many they are. */
  count(room: string | null): number {
    return this.listOf(room)?.size ?? 0
  }

  /** Changes of a list, for listeners on this server. */
  eventsOf(room: string | null): RosterEvents {
    const key = room ?? ''
    let events = this.events.get(key)
    if (events === undefined) {
      // Those that nobody uses any more go when another one comes.
      for (const [name, old] of this.events) if (old.isUnused) this.events.delete(name)
      events = new RosterEvents(room ?? 'everybody', this.host.reportFault)
      this.events.set(key, events)
    }
    return events
  }

  /** Who may watch a list. */
  watchRule(room: string | null): ResolvedPresence['watch'] {
    const { mode, watch } = room === null ? this.options.presence : this.policyOf(room)
    return mode === 'off' ? 'nobody' : watch
  }

  /** What a watcher gets who wants this. */
  watchMode(room: string | null, wanted: 'count' | 'users'): 'count' | 'users' {
    const { mode } = room === null ? this.options.presence : this.policyOf(room)
    return mode === 'count' ? 'count' : wanted
  }

  /** Whether a socket watches a list in the mode that it gets. */
  isWatching(member: Member, room: string | null, wanted: 'count' | 'users'): boolean {
    return this.listOf(room)?.feeds.get(this.watchMode(room, wanted))?.watchers.has(member) ?? false
  }

  /** How many lists a socket watches. */
  watchCount(member: Member): number {
    return this.watching.get(member)?.size ?? 0
  }

  /** Sends a socket the changes of a list from now on. It may, and the turn is flushed. */
  watch(member: Member, room: string | null, wanted: 'count' | 'users'): WatchAnswer {
    const roster = room === null ? this.everybody : (this.rosterOf(room) as Roster<Member>)
    const mode = this.watchMode(room, wanted)
    let feed = roster.feeds.get(mode)
    if (feed === undefined) {
      feed = new Feed(roster, mode, `${this.namespaceNumber}${mode}:${room ?? ''}`, this.feedHost)
      roster.feeds.set(mode, feed)
    }
    feed.add(member)
    const feeds = this.watching.get(member)
    if (feeds === undefined) this.watching.set(member, new Set([feed]))
    else feeds.add(feed)
    const { rows, next } = mode === 'users' ? feed.page(0) : { rows: [], next: undefined }
    return { mode, version: feed.version, count: roster.size, users: rows, next }
  }

  /** More rows of a list that a socket watches; undefined if it does not. */
  page(member: Member, room: string | null, after: number): ReturnType<Feed<Member>['page']> | undefined {
    const feed = this.listOf(room)?.feeds.get('users')
    return feed?.watchers.has(member) ? feed.page(after) : undefined
  }

  /** Ends a watch, if there is one. */
  unwatch(member: Member, room: string | null, mode: 'count' | 'users'): void {
    const roster = this.listOf(room)
    const feed = roster?.feeds.get(mode)
    if (roster === undefined || feed === undefined || !feed.remove(member)) return
    const feeds = this.watching.get(member)
    feeds?.delete(feed)
    if (feeds?.size === 0) this.watching.delete(member)
    if (feed.watchers.size === 0) roster.feeds.delete(mode)
    this.tidy(roster)
  }

  /** Ends all watches of a socket and tells it. */
  endAllWatches(member: Member): void {
    for (const feed of [...(this.watching.get(member) ?? [])]) this.endWatches(member, feed.room)
  }

  private assertNotRevoked({ profile, startedAt }: Identity): void {
    const revokedAt = this.revoked.get(profile.user.id)
    if (revokedAt === undefined || revokedAt < startedAt) return
    throw new RoomcastError('LOGIN_REFUSED', 'all logins of this user were ended')
  }

  private endWatches(member: Member, room: string | null): void {
    for (const mode of ['count', 'users'] as const) {
      if (!this.listOf(room)?.feeds.get(mode)?.watchers.has(member)) continue
      this.unwatch(member, room, mode)
      member.notify(['unwatched', room, mode, 'WATCH_REFUSED', 'the list may not be watched any more'])
    }
  }

  private stopWatching(member: Member): void {
    for (const feed of [...(this.watching.get(member) ?? [])]) this.unwatch(member, feed.room, feed.mode)
  }

  private tellProfile(account: Account<Member>, except: Member | null): void {
    for (const list of account.lists) list.touch(account)
    for (const member of account.members) if (member !== except) member.notify(userNotice(member))
  }

  private watchExpiry(member: Member, login: MemberLogin<Member>, expiresAt: number | null): void {
    const { wheel } = this.host
    if (login.expiry !== null) wheel.cancel(login.expiry)
    login.expiry = null
    if (expiresAt === null) return
    const deadline: Deadline = {
      slot: null,
      dueAt: 0,
      expire: () => {
        // What renews it may have come while the process stood still.
        const graceMs = wheel.graceMs()
        if (graceMs > 0) wheel.schedule(deadline, graceMs)
        else this.host.onExpired(member)
      },
    }
    login.expiry = deadline
    // From the wall clock, once: what happens to it later is of no importance.
    wheel.schedule(deadline, Math.max(0, expiresAt - Date.now()))
  }

  private listOf(room: string | null): Roster<Member> | undefined {
    return room === null ? this.everybody : this.rosters.get(room)
  }

  private policyOf(room: string): ResolvedPresence {
    return this.policies.of(room) ?? this.options.presence
  }

  /** The roster of a room, made if need be; undefined if the room has none. */
  private rosterOf(room: string): Roster<Member> | undefined {
    let roster = this.rosters.get(room)
    if (roster === undefined) {
      const policy = this.policyOf(room)
      if (policy.mode === 'off') return undefined
      roster = new Roster(room, policy, this.rosterHost)
      this.rosters.set(room, roster)
    }
    return roster
  }

  /** A roster with nobody on it, and nobody who watches, is not kept. */
  private tidy(roster: Roster<Member>): void {
    if (roster.room !== null && roster.size === 0 && roster.feeds.size === 0) this.rosters.delete(roster.room)
  }
}

const NOBODY: ReadonlySet<never> = new Set()

/** Tells a socket who it is. */
export function userNotice({ login }: Pick<PeopleMember, 'login'>): readonly unknown[] {
  return ['user', login?.user ?? null, expiresInMs(login?.identity) ?? null]
}

/** Milliseconds until a login ends; undefined if it does not. */
export function expiresInMs(identity: Identity | undefined): number | undefined {
  const { expiresAt = null } = identity ?? {}
  return expiresAt === null ? undefined : Math.max(0, Math.round(expiresAt - Date.now()))
}
