import { isThenable } from '@roomcast/protocol'
import type { Directory, MemberDelta, Soon } from '../cluster/engine'
import { MovableDeadline } from '../connection/movable-deadline'
import type { TimingWheel } from '../connection/timing-wheel'
import type { FaultHook } from '../observe/report'
import type { PeopleMember } from './account'
import { askEngine, engineFailed } from './engine-answer'
import { type ChangeKind, type MemberChange, MemberChanges } from './member-changes'
import type { RosterEntry } from './roster-entry'

/** Changes that the directory is told of at once. So many do not wait for the end of the turn. */
const BATCH_CHANGES = 4_096
/** Time after which what the directory refused is reported again; twice as long each time that it refuses again. */
const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 5_000

/** The lists that are reported. */
export interface ReportedLists {
  entryOf(room: string | null, userId: string): RosterEntry<PeopleMember> | undefined
  /** Users of all lists, each list in order of arrival. */
  allEntries(): Iterable<readonly [room: string | null, entry: RosterEntry<PeopleMember>]>
}

/** What reports need of their surroundings. */
export interface MemberReportsHost {
  readonly namespaceName: string
  readonly directory: Directory
  readonly wheel: TimingWheel
  readonly reportFault: FaultHook
  /** The directory, which was behind, knows everything. */
  onSettled(): void
}

/**
 * Tells the directory of the engine who is on the lists of a namespace.
 *
 *   change ──► gathered ──end of the turn, or a read──► on its way ──taken──► told
 *                 ▲                                        │
 *                 └──with everybody else, soon──refused────┘
 *
 * One batch is on its way at a time, so that the directory hears of everything in order, and what it is slow for is gathered
 * here, where it has a bound. What it refuses may have got there in part, or the directory may have lost more: everybody is
 * reported again then, after all departures since.
 */
export class MemberReports {
  private readonly changes = new MemberChanges()
  private immediate: NodeJS.Immediate | undefined
  /** Done, and never rejected, when what is on its way has been taken or refused; null if nothing is. */
  private sending: Promise<void> | null = null
  /** What readers wait for who came while something was on its way. */
  private following: Promise<void> | null = null
  /** Refusals since the directory took something. */
  private refusals = 0
  private hasForgotten = false
  private isClosed = false
  private readonly retry: MovableDeadline

  constructor(
    private readonly lists: ReportedLists,
    private readonly host: MemberReportsHost,
  ) {
    this.retry = new MovableDeadline(host.wheel, () => this.attempt())
  }

  /** Whether the directory knows everything. */
  get isSettled(): boolean {
    return this.isClosed || (this.changes.size === 0 && this.sending === null && this.refusals === 0)
  }

  /** A user of a list came, went, or looks different. */
  note(room: string | null, userId: string, kind: ChangeKind): void {
    if (this.isClosed) return
    this.gather({ room, userId, kind })
    // Of a directory that refuses again and again not every change is worth a try.
    if (this.sending !== null || this.refusals > 1) return
    if (this.changes.size >= BATCH_CHANGES) this.attempt()
    else this.sendSoon()
  }

  /**
   * Sends what is gathered. Done when the directory has taken it.
   *
   * @throws RoomcastError `ENGINE_FAILED`, now or as a rejection; it is reported again.
   */
  flush(): Soon<void> {
    if (this.isSettled) return
    if (this.sending === null) return this.send()
    this.following ??= this.sending.then(() => {
      this.following = null
      return this.flush()
    })
    return this.following
  }

  /** Sends what is gathered, unless something is on its way: then it follows. Who waits for nothing calls this. */
  attempt(): void {
    if (this.sending !== null || this.isSettled) return
    try {
      const sent = this.send()
      if (isThenable(sent)) sent.then(undefined, KNOWN)
    } catch {
      // Reported, and tried again.
    }
  }

  /** Sends what is gathered; from now on nothing is reported. */
  close(): void {
    this.attempt()
    this.isClosed = true
    this.rest()
    this.changes.take()
  }

  private send(): Soon<void> {
    this.rest()
    return this.sendFrom(this.refusals > 0 ? this.everything() : this.changes.take(), 0)
  }

  /** @param start  Index of the first change that has not been sent. */
  private sendFrom(changes: readonly MemberChange[], start: number): Soon<void> {
    if (this.isClosed) return
    const { directory, wheel } = this.host
    for (let first = start; first < changes.length; first += BATCH_CHANGES) {
      const batch = this.deltasOf(changes.slice(first, first + BATCH_CHANGES))
      let taken: Soon<void>
      try {
        taken = askEngine(wheel, 'to take changes of members', () => directory.setMembers(batch))
      } catch (error) {
        this.onRefused(changes.slice(first), error)
        throw error
      }
      if (isThenable(taken)) return this.follow(taken as PromiseLike<void>, changes, first)
    }
    this.onTaken()
  }

  /** Goes on when a batch has been taken. */
  private follow(taken: PromiseLike<void>, changes: readonly MemberChange[], first: number): Promise<void> {
    const done = (async () => {
      try {
        await taken
      } catch (error) {
        this.sending = null
        this.onRefused(changes.slice(first), error)
        throw error
      }
      this.sending = null
      await this.sendFrom(changes, first + BATCH_CHANGES)
    })()
    this.sending = done.then(KNOWN, KNOWN)
    return done
  }

  private onTaken(): void {
    this.refusals = 0
    this.hasForgotten = false
    if (this.changes.size > 0) this.sendSoon()
    else this.host.onSettled()
  }

  private onRefused(refused: readonly MemberChange[], error: unknown): void {
    if (this.isClosed) return
    this.retry.set(Math.min(FIRST_RETRY_MS * 2 ** this.refusals, LONGEST_RETRY_MS))
    this.refusals++
    const since = this.changes.take()
    for (const change of refused) this.gather(change)
    for (const change of since) this.gather(change)
    this.report(error)
  }

  /** For a directory of which nothing is known: who has gone, and then everybody, in order of arrival. */
  private everything(): MemberChange[] {
    const all: MemberChange[] = []
    const moved = new Set<RosterEntry<PeopleMember>>()
    for (const { room, userId, kind } of this.changes.take()) {
      const entry = this.lists.entryOf(room, userId)
      if (entry === undefined) all.push({ room, userId, kind: 'gone' })
      else if (kind !== 'set') moved.add(entry)
    }
    let movedIn: string | null | undefined
    for (const [room, entry] of this.lists.allEntries()) {
      // Who came again has another place, and is in front of whoever came later.
      if (moved.has(entry)) movedIn = room
      all.push({ room, userId: entry.account.id, kind: room === movedIn ? 'again' : 'set' })
    }
    return all
  }

  /** How these users are now, which may be newer than the change: then that follows. */
  private deltasOf(changes: readonly MemberChange[]): MemberDelta[] {
    const deltas: MemberDelta[] = []
    let last: string | null | undefined
    let room = ''
    for (const { room: name, userId, kind } of changes) {
      // Those of a room come together: one text for all of them.
      if (name !== last) room = directoryRoom(this.host.namespaceName, name)
      last = name
      const entry = this.lists.entryOf(name, userId)
      if (entry === undefined || kind !== 'set') deltas.push({ room, userId, member: null })
      if (entry === undefined || kind === 'gone') continue
      const { account, sockets, joinedAt } = entry
      deltas.push({ room, userId, member: { userId, devices: sockets, joinedAt, profile: account.profile.bytes } })
    }
    return deltas
  }

  private gather(change: MemberChange): void {
    // Whoever is there will be reported with everybody.
    if (change.kind === 'set' && this.refusals > 0 && this.sending === null) return
    if (this.changes.add(change) || this.hasForgotten) return
    this.hasForgotten = true
    this.report(
      engineFailed('has not been told of users who left: it takes no changes of members, and they are too many'),
    )
  }

  private sendSoon(): void {
    this.immediate ??= setImmediate(() => {
      this.immediate = undefined
      this.attempt()
    })
  }

  private rest(): void {
    clearImmediate(this.immediate)
    this.immediate = undefined
    this.retry.cancel()
  }

  private report(error: unknown): void {
    this.host.reportFault(error, { where: 'engine', name: `members of ${this.host.namespaceName}` })
  }
}

/** Name of a list in the directory, where namespaces are not apart. */
export function directoryRoom(namespaceName: string, room: string | null): string {
  return `${namespaceName}\0${room ?? ''}`
}

/** Whoever has to know was told. */
const KNOWN = () => {}
