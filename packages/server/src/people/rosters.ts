import type { ValueCodec } from '@roomcast/protocol'
import type { Directory } from '../cluster/engine'
import type { TimingWheel } from '../connection/timing-wheel'
import type { FaultHook } from '../observe/report'
import { type PresencePolicy, type ResolvedPresence, resolvePresence } from '../options/people-options'
import { RoomPolicies } from '../rooms/room-policies'
import type { Account, PeopleMember } from './account'
import { MemberReader } from './member-reader'
import { MemberReports } from './member-reports'
import { Roster, type RosterHost } from './roster'
import { publicEntry, type RosterEntry } from './roster-entry'
import { RosterEvents } from './roster-events'

/** What rosters need of their surroundings. */
export interface RostersHost<Member extends PeopleMember> {
  readonly namespaceName: string
  /** Where the lists are reported, and read. */
  readonly directory: Directory
  readonly codec: ValueCodec
  readonly wheel: TimingWheel
  readonly reportFault: FaultHook
  /** A user is on no list any more. */
  onUnlisted(account: Account<Member>): void
  /** The directory, which was behind, knows everything. */
  onSettled(): void
}

/** The user lists of one namespace: of everybody, and of each room that users are in or that somebody watches. */
export class Rosters<Member extends PeopleMember> {
  readonly everybody: Roster<Member>
  /** What the directory is told of them. */
  readonly reports: MemberReports
  /** The lists as applications read them: of all servers. */
  readonly members: MemberReader
  private readonly rooms = new Map<string, Roster<Member>>()
  private readonly policies = new RoomPolicies<ResolvedPresence>()
  /** By room; '' for everybody. */
  private readonly events = new Map<string, RosterEvents>()
  private sweepAt = 16
  private readonly rosterHost: RosterHost<Member>

  constructor(
    private readonly presence: ResolvedPresence,
    private readonly host: RostersHost<Member>,
  ) {
    this.reports = new MemberReports(this, host)
    const profileOf = (userId: string) => this.everybody.get(userId)?.account.profile
    this.members = new MemberReader(this.reports, { ...host, profileOf })
    this.rosterHost = {
      wheel: host.wheel,
      onMember: (room, userId, kind) => this.reports.note(room, userId, kind),
      onChange: (room, kind, entry) => {
        const events = this.events.get(room ?? '')
        // Not amid what is changing: listeners may end the very socket.
        if (events === undefined || events.isUnused) return
        const shown = publicEntry(entry)
        queueMicrotask(() => events.fire(kind, shown))
      },
      onGone: (roster, account) => {
        if (account.lists.size === 0) host.onUnlisted(account)
        this.tidy(roster)
      },
    }
    this.everybody = new Roster(null, presence, this.rosterHost)
  }

  /** Lists of rooms. */
  get size(): number {
    return this.rooms.size
  }

  /** Rules for the lists of rooms whose name matches. @throws RoomcastError `INVALID_OPTION`. */
  setPolicy(pattern: string, policy: PresencePolicy): void {
    this.policies.add(pattern, resolvePresence('presence', policy, this.presence))
  }

  policyOf(room: string | null): ResolvedPresence {
    return (room === null ? undefined : this.policies.of(room)) ?? this.presence
  }

  /** The list of a room, or with null of everybody, if there is one. */
  get(room: string | null): Roster<Member> | undefined {
    return room === null ? this.everybody : this.rooms.get(room)
  }

  /** As {@link get}, made if need be; undefined if none is kept for the room. */
  make(room: string | null): Roster<Member> | undefined {
    const known = this.get(room)
    if (known !== undefined || room === null) return known
    const policy = this.policyOf(room)
    if (policy.mode === 'off') return undefined
    const roster = new Roster(room, policy, this.rosterHost)
    this.rooms.set(room, roster)
    return roster
  }

  /** A list with nobody on it, and nobody who watches, is not kept. */
  tidy(roster: Roster<Member>): void {
    if (roster.room !== null && roster.size === 0 && roster.feeds.size === 0) this.rooms.delete(roster.room)
  }

  entryOf(room: string | null, userId: string): RosterEntry<Member> | undefined {
    return this.get(room)?.get(userId)
  }

  /** Users of all lists, each list in order of arrival. */
  *allEntries(): Iterable<readonly [room: string | null, entry: RosterEntry<Member>]> {
    for (const roster of [this.everybody, ...this.rooms.values()]) {
      for (const entry of roster.from(0)) yield [roster.room, entry]
    }
  }

  /** Changes of a list, for listeners on this server. */
  eventsOf(room: string | null): RosterEvents {
    const key = room ?? ''
    let events = this.events.get(key)
    if (events === undefined) {
      // Those that nobody uses any more go when there are twice as many as were in use.
      if (this.events.size >= this.sweepAt) {
        for (const [name, old] of this.events) if (old.isUnused) this.events.delete(name)
        this.sweepAt = 2 * this.events.size + 16
      }
      events = new RosterEvents(room ?? 'everybody', this.host.reportFault)
      this.events.set(key, events)
    }
    return events
  }
}
