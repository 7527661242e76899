import type { Deadline, TimingWheel } from '../connection/timing-wheel'
import type { ResolvedPresence } from '../options/people-options'
import type { Account, AccountList, PeopleMember } from './account'
import type { Feed } from './feed'
import type { RosterEntry } from './roster-entry'

/** Told of changes at once, where the feeds of watchers are told from time to time. */
export interface RosterObserver {
  onChange(room: string | null, kind: 'change' | 'join' | 'leave', entry: RosterEntry<PeopleMember>): void
  /** Also of what nobody is told: a user is expected back, or is back. */
  onMember(room: string | null, userId: string, kind: 'gone' | 'set'): void
}

/** What a roster needs of its surroundings. */
export interface RosterHost<Member extends PeopleMember> extends RosterObserver {
  readonly wheel: TimingWheel
  /** A roster became empty, or a user left it. */
  onGone(roster: Roster<Member>, account: Account<Member>): void
}

/**
 * The users of one room, or of a namespace: one entry each, however many sockets.
 *
 *   nobody ──first socket──► listed ──last one left──────────────────────► nobody
 *                              ▲ └──last one lost──► expected back ──graceMs──┘
 *                              └───────comes back─────────┘
 */
export class Roster<Member extends PeopleMember> implements AccountList {
  /** What watchers are sent, by mode; made when the first comes. */
  readonly feeds = new Map<'count' | 'users', Feed<Member>>()
  private readonly entries = new Map<string, RosterEntry<Member>>()
  private ordered: readonly RosterEntry<Member>[] | null = null
  private lastPlace = 0

  constructor(
    /** null for the whole namespace. */
    readonly room: string | null,
    readonly policy: ResolvedPresence,
    private readonly host: RosterHost<Member>,
  ) {}

  /** Users. */
  get size(): number {
    return this.entries.size
  }

  get(id: string): RosterEntry<Member> | undefined {
    return this.entries.get(id)
  }

  /** In order of arrival. @param after  Only places behind this one. */
  from(after: number): readonly RosterEntry<Member>[] {
    this.ordered ??= [...this.entries.values()]
    const all = this.ordered
    let low = 0
    for (let high = all.length; low < high; ) {
      const middle = (low + high) >> 1
      if ((all[middle] as RosterEntry<Member>).place <= after) low = middle + 1
      else high = middle
    }
    return low === 0 ? all : all.slice(low)
  }

  /** A socket of a user came. */
  enter(account: Account<Member>): void {
    const entry = this.entries.get(account.id)
    if (entry === undefined) {
      const added = { account, sockets: 1, joinedAt: Date.now(), place: ++this.lastPlace, leaving: null }
      this.entries.set(account.id, added)
      this.ordered = null
      account.lists.add(this)
      this.tell('join', added)
      return
    }
    entry.sockets++
    this.stay(entry)
    if (entry.sockets > 1) this.tell('change', entry)
    else this.host.onMember(this.room, account.id, 'set')
  }

  /** A socket of a user went. @param isLost  Whether it may be back: its link was lost. */
  exit(account: Account<Member>, isLost: boolean): void {
    const entry = this.entries.get(account.id)
    if (entry === undefined || entry.sockets === 0) return
    entry.sockets--
    if (entry.sockets > 0) this.tell('change', entry)
    else if (isLost && this.policy.graceMs > 0) this.expect(entry)
    else this.drop(entry)
  }

  /** The profile of a user has changed. */
  touch({ id }: { readonly id: string }): void {
    const entry = this.entries.get(id)
    if (entry !== undefined) this.tell('change', entry, true)
  }

  /** Takes a user off at once who is only expected back. */
  forget({ id }: { readonly id: string }): void {
    const entry = this.entries.get(id)
    if (entry?.account.members.size === 0) this.drop(entry)
  }

  private expect(entry: RosterEntry<Member>): void {
    const { wheel } = this.host
    const leaving: Deadline = {
      slot: null,
      dueAt: 0,
      expire: () => {
        // Who came back while the process stood still is about to be read.
        const graceMs = wheel.graceMs()
        if (graceMs > 0) wheel.schedule(leaving, graceMs)
        else this.drop(entry)
      },
    }
    entry.leaving = leaving
    wheel.schedule(leaving, this.policy.graceMs)
    this.host.onMember(this.room, entry.account.id, 'set')
  }

  private stay(entry: RosterEntry<Member>): void {
    if (entry.leaving !== null) this.host.wheel.cancel(entry.leaving)
    entry.leaving = null
  }

  private drop(entry: RosterEntry<Member>): void {
    const { account } = entry
    this.stay(entry)
    this.entries.delete(account.id)
    this.ordered = null
    account.lists.delete(this)
    this.tell('leave', entry)
    this.host.onGone(this, account)
  }

  private tell(kind: 'change' | 'join' | 'leave', entry: RosterEntry<Member>, isProfile = kind === 'join'): void {
    const { id } = entry.account
    for (const feed of this.feeds.values()) feed.note(id, kind, isProfile)
    this.host.onMember(this.room, id, kind === 'leave' ? 'gone' : 'set')
    this.host.onChange(this.room, kind, entry)
  }
}
