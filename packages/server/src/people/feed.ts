import { LIMITS, utf8Length } from '@roomcast/protocol'
import { MovableDeadline } from '../connection/movable-deadline'
import type { TimingWheel } from '../connection/timing-wheel'
import type { PeopleMember } from './account'
import { type RosterEntry, type Row, rowOf } from './roster-entry'

/** Changes in one frame that count as a crowd. */
const CROWD = 256
/** What a flush at once is worth: a tick of the deadlines. */
const SHORTEST_MS = 25
/** The longest that changes are gathered while a crowd comes, in milliseconds. */
const CROWD_FLUSH_MS = 1_000

/** The list that a feed tells of: a roster. */
export interface FeedSource<Member extends PeopleMember> {
  readonly room: string | null
  readonly size: number
  readonly policy: { readonly flushMs: number }
  get(id: string): RosterEntry<Member> | undefined
  /** In order of arrival, behind a place. */
  from(after: number): readonly RosterEntry<Member>[]
}

/** What a feed needs of its surroundings. */
export interface FeedHost {
  readonly wheel: TimingWheel
  /** Sends a notice to the subscribers of a topic. */
  publish(topic: string, notice: readonly unknown[]): void
}

/** What has happened to a user since the last frame. */
interface Pending {
  /** Whether a watcher may have the user on its list. */
  wasListed: boolean
  /** Whether the profile has to go with the rest. */
  isProfile: boolean
}

/**
 * Brings the changes of one roster to those who watch it: one frame for all of them, at most one every `flushMs`.
 *
 * A frame tells how things are, not what happened: the row of each user who was touched, or that they are gone. So a snapshot
 * may be taken at any moment, and what a frame behind it repeats does no harm.
 */
export class Feed<Member extends PeopleMember> {
  readonly watchers = new Set<Member>()
  /** Of the last frame. */
  version = 0
  private readonly pending = new Map<string, Pending>()
  private readonly flushing: MovableDeadline
  private isWaiting = false
  /** Whether somebody was told of a state between two frames. */
  private isSeen = false
  private toldCount: number
  private delayMs: number
  private flushedAt = Number.NEGATIVE_INFINITY

  constructor(
    private readonly roster: FeedSource<Member>,
    readonly mode: 'count' | 'users',
    readonly topic: string,
    private readonly host: FeedHost,
  ) {
    this.toldCount = roster.size
    this.delayMs = roster.policy.flushMs
    this.flushing = new MovableDeadline(host.wheel, () => this.flush())
  }

  /** Of the list; null for everybody. */
  get room(): string | null {
    return this.roster.room
  }

  add(member: Member): void {
    // It is told the number of this moment, which a change that is taken back in time would leave wrong.
    this.isSeen ||= this.isWaiting
    this.watchers.add(member)
    member.wire?.subscribe(this.topic)
  }

  /** The feed is done when the last one has gone. @returns Whether it was watching. */
  remove(member: Member): boolean {
    if (!this.watchers.delete(member)) return false
    member.wire?.unsubscribe(this.topic)
    if (this.watchers.size === 0) this.flushing.cancel()
    return true
  }

  /** A user came, went, or looks different. */
  note(id: string, kind: 'change' | 'join' | 'leave', isProfile: boolean): void {
    if (this.mode === 'users') {
      const pending = this.pending.get(id)
      if (pending === undefined) this.pending.set(id, { wasListed: kind !== 'join', isProfile })
      else pending.isProfile ||= isProfile
    }
    if (!this.isWaiting) this.wait()
  }

  /** The first rows behind a place, as many as fit. */
  page(after: number): { readonly rows: readonly Row[]; readonly next: number | undefined } {
    const budget = new FrameBudget()
    const rows: Row[] = []
    let last = after
    for (const entry of this.roster.from(after)) {
      if (!budget.take(entry)) return { rows, next: last }
      rows.push(rowOf(entry, true))
      last = entry.place
      const pending = this.pending.get(entry.account.id)
      if (pending !== undefined) pending.wasListed = true
    }
    return { rows, next: undefined }
  }

  private wait(): void {
    this.isWaiting = true
    // The crowd is over when nothing has come for as long as it was gathered.
    if (this.host.wheel.now() - this.flushedAt > this.delayMs) this.delayMs = this.roster.policy.flushMs
    this.flushing.set(this.delayMs)
  }

  private flush(): void {
    this.isWaiting = false
    this.flushedAt = this.host.wheel.now()
    if (this.mode === 'count') this.flushCount()
    else this.flushUsers()
  }

  private flushCount(): void {
    const { room, size } = this.roster
    if (size === this.toldCount && !this.isSeen) return
    this.isSeen = false
    this.toldCount = size
    this.host.publish(this.topic, ['count', room, ++this.version, size])
  }

  private flushUsers(): void {
    const rows: Row[] = []
    const gone: string[] = []
    const budget = new FrameBudget()
    for (const [id, { wasListed, isProfile }] of this.pending) {
      const entry = this.roster.get(id)
      if (entry === undefined && !wasListed) {
        // Nobody was told that they came.
        this.pending.delete(id)
        continue
      }
      // The rest goes with the next frame: they are bounded in size and in number per second.
      if (entry === undefined ? !budget.takeId(id) : !budget.take(entry)) break
      this.pending.delete(id)
      if (entry !== undefined) rows.push(rowOf(entry, isProfile))
      else gone.push(id)
    }
    const { room, size, policy } = this.roster
    const sent = rows.length + gone.length
    if (sent > 0 || this.isSeen) this.host.publish(this.topic, ['users', room, ++this.version, size, rows, gone])
    this.isSeen = false
    const longest = Math.max(CROWD_FLUSH_MS, policy.flushMs)
    this.delayMs = sent < CROWD ? policy.flushMs : Math.min(longest, Math.max(this.delayMs, SHORTEST_MS) * 2)
    if (this.pending.size > 0) this.wait()
  }
}

/** What still fits into a frame. */
class FrameBudget {
  private values: number = LIMITS.presenceFrameValues
  private bytes: number = LIMITS.presenceFrameBytes

  take({ account }: Pick<RosterEntry<PeopleMember>, 'account'>): boolean {
    return this.spend(account.profile.rowValues, account.profile.rowBytes)
  }

  takeId(id: string): boolean {
    return this.spend(1, utf8Length(id) + 2)
  }

  private spend(values: number, bytes: number): boolean {
    if (this.values < values || this.bytes < bytes) return false
    this.values -= values
    this.bytes -= bytes
    return true
  }
}
