import { isThenable, LIMITS, RoomcastError } from '@roomcast/protocol'
import type { TimingWheel } from '../connection/timing-wheel'
import type { FaultHook } from '../observe/report'
import type { Watcher } from '../options/people-options'
import type { PeopleMember } from './account'
import { Feed, type FeedHost } from './feed'
import type { Roster } from './roster'
import type { Row } from './roster-entry'
import type { Rosters } from './rosters'

/** Numbers only, or who they are. */
export type WatchMode = 'count' | 'users'

/** A socket that may watch. */
export interface WatchMember extends PeopleMember, Watcher {
  /** Whether it is in the namespace. */
  readonly connected: boolean
  /** Sends a notice. PROTOCOL.md, section 11. */
  notify(notice: readonly unknown[]): void
}

/** The answer to `watch`. */
export interface WatchAnswer {
  readonly mode: WatchMode
  readonly version: number
  readonly count: number
  readonly users: readonly Row[]
  readonly next: number | undefined
}

/** What watches need of their surroundings. */
export interface WatchesHost {
  readonly namespaceName: string
  readonly namespaceNumber: number
  readonly wheel: TimingWheel
  readonly reportFault: FaultHook
  /** Delivers what is queued: who begins to watch must not get what was sent before. */
  flush(): void
  /** Sends a notice to the subscribers of a topic. */
  publish(topic: string, notice: readonly unknown[]): void
}

/**
 * Which sockets watch which lists.
 *
 *   asked ──rule allows──► watching ──unwatch, left the room, another user──► nothing
 *     └──refused, or unwatched before the rule has decided──► nothing
 */
export class Watches<Member extends WatchMember> {
  private readonly bySocket = new Map<Member, Set<Feed<Member>>>()
  /** Watches whose rules have not decided, by list. */
  private readonly asked = new WeakMap<Member, Map<string, Set<object>>>()
  private readonly feedHost: FeedHost

  constructor(
    private readonly rosters: Rosters<Member>,
    private readonly host: WatchesHost,
  ) {
    this.feedHost = { wheel: host.wheel, publish: (topic, notice) => host.publish(topic, notice) }
  }

  /** Sockets that watch. */
  get size(): number {
    return this.bySocket.size
  }

  /**
   * A socket wants to watch a list. Asks the rule of the list, and begins if it allows.
   *
   * @param settle  Told once: the list as it is, or `WATCH_REFUSED`, `TOO_MANY_WATCHES`.
   */
  ask(
    member: Member,
    room: string | null,
    wanted: WatchMode,
    settle: (refusal: RoomcastError | null, answer?: WatchAnswer) => void,
  ): void {
    const mode = this.modeOf(room, wanted)
    const { user } = member
    const isWanted = this.expectVerdict(member, keyOf(room, mode))
    this.decide(member, room, mode, (isAllowed) => {
      // A rule that takes its time was asked about somebody who may be somebody else by now, or have had enough.
      if (!isWanted() || !isAllowed || !member.connected || member.user?.id !== user?.id) {
        return settle(refused())
      }
      const feeds = this.bySocket.get(member)
      const isNew = !this.rosters.get(room)?.feeds.get(mode)?.watchers.has(member)
      if (isNew && feeds !== undefined && feeds.size >= LIMITS.watchesPerSocket) {
        const message = `a socket may watch ${LIMITS.watchesPerSocket} lists`
        return settle(new RoomcastError('TOO_MANY_WATCHES', message))
      }
      const roster = this.rosters.make(room)
      // The policy may have been set meanwhile.
      if (roster === undefined) return settle(refused())
      settle(null, this.begin(member, roster, mode))
    })
  }

  /** More rows of a list that a socket watches; undefined if it does not. */
  page(member: Member, room: string | null, after: number): ReturnType<Feed<Member>['page']> | undefined {
    const feed = this.rosters.get(room)?.feeds.get('users')
    return feed?.watchers.has(member) ? feed.page(after) : undefined
  }

  /** A socket has had enough of a list, or does not want it any more. */
  unwatch(member: Member, room: string | null, wanted: WatchMode): void {
    // What the policy makes of it: the client may not know yet.
    const mode = this.modeOf(room, wanted)
    this.asked.get(member)?.delete(keyOf(room, mode))
    const feed = this.rosters.get(room)?.feeds.get(mode)
    if (feed !== undefined) this.end(member, feed)
  }

  /** A socket has left a room: may it go on watching? */
  recheck(member: Member, room: string): void {
    const asked = this.asked.get(member)
    for (const mode of ['count', 'users'] as const) asked?.delete(keyOf(room, mode))
    for (const feed of this.bySocket.get(member) ?? NONE) {
      if (feed.room !== room) continue
      const ask = (done: (isAllowed: boolean) => void) => this.decide(member, room, feed.mode, done)
      ask((isAllowed) => {
        if (isAllowed) return
        // A rule that takes its time may have looked at a moment that is over.
        if (member.rooms.has(room)) ask((isBack) => isBack || this.revoke(member, feed))
        else this.revoke(member, feed)
      })
    }
  }

  /** A socket is another user, or nobody: ends its watches and tells it. */
  revokeAll(member: Member): void {
    this.asked.delete(member)
    for (const feed of this.bySocket.get(member) ?? NONE) this.revoke(member, feed)
  }

  /** A socket is gone. */
  forget(member: Member): void {
    for (const feed of this.bySocket.get(member) ?? NONE) this.end(member, feed)
  }

  private begin(member: Member, roster: Roster<Member>, mode: WatchMode): WatchAnswer {
    this.host.flush()
    let feed = roster.feeds.get(mode)
    if (feed === undefined) {
      feed = new Feed(roster, mode, `${this.host.namespaceNumber}${keyOf(roster.room, mode)}`, this.feedHost)
      roster.feeds.set(mode, feed)
    }
    feed.add(member)
    const feeds = this.bySocket.get(member)
    if (feeds === undefined) this.bySocket.set(member, new Set([feed]))
    else feeds.add(feed)
    const { rows, next } = mode === 'users' ? feed.page(0) : { rows: [], next: undefined }
    return { mode, version: feed.version, count: roster.size, users: rows, next }
  }

  private revoke(member: Member, feed: Feed<Member>): void {
    if (!feed.watchers.has(member)) return
    this.end(member, feed)
    member.notify(['unwatched', feed.room, feed.mode, 'WATCH_REFUSED', 'the list may not be watched any more'])
  }

  private end(member: Member, feed: Feed<Member>): void {
    if (!feed.remove(member)) return
    const feeds = this.bySocket.get(member)
    feeds?.delete(feed)
    if (feeds?.size === 0) this.bySocket.delete(member)
    const roster = this.rosters.get(feed.room)
    if (roster === undefined || feed.watchers.size > 0) return
    roster.feeds.delete(feed.mode)
    this.rosters.tidy(roster)
  }

  /** What a watcher gets who wants this. */
  private modeOf(room: string | null, wanted: WatchMode): WatchMode {
    return this.rosters.policyOf(room).mode === 'count' ? 'count' : wanted
  }

  /** Asks the rule of a list. @param done  Told once, now or later; a rule that fails allows nothing. */
  private decide(member: Member, room: string | null, mode: WatchMode, done: (isAllowed: boolean) => void): void {
    const policy = this.rosters.policyOf(room)
    const rule = policy.mode === 'off' ? 'nobody' : policy.watch
    if (rule === 'nobody') return done(false)
    if (rule === 'members') return done(room === null ? member.user !== null : member.rooms.has(room))
    const onFault = (error: unknown) => {
      const name = room ?? this.host.namespaceName
      this.host.reportFault(error, { where: 'watch rule', name, socketId: member.id })
      done(false)
    }
    let verdict: unknown
    try {
      verdict = rule(member, room, mode)
    } catch (error) {
      return onFault(error)
    }
    if (isThenable(verdict))
      Promise.resolve(verdict)
        .then((isAllowed) => done(isAllowed === true))
        .catch(onFault)
    else done(verdict === true)
  }

  /** @returns Tells once, when the rule has decided, whether the watch is still wanted. */
  private expectVerdict(member: Member, key: string): () => boolean {
    const token = {}
    const lists = this.asked.get(member) ?? new Map<string, Set<object>>()
    const tokens = lists.get(key) ?? new Set()
    this.asked.set(member, lists.set(key, tokens.add(token)))
    return () => {
      const waiting = lists.get(key)
      const isWanted = waiting?.delete(token) ?? false
      if (waiting?.size === 0) lists.delete(key)
      return isWanted
    }
  }
}

const NONE: readonly never[] = []

function refused(): RoomcastError {
  return new RoomcastError('WATCH_REFUSED', 'this user list may not be watched')
}

function keyOf(room: string | null, mode: WatchMode): string {
  return `${mode}:${room ?? ''}`
}
