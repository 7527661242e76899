import type { DefaultUser, UserEntry, ValueCodec } from '@roomcast/protocol'
import type { Directory, Member, MemberPage, Soon } from '../cluster/engine'
import type { TimingWheel } from '../connection/timing-wheel'
import { soon } from '../delivery/soon'
import { askEngine, engineFailed } from './engine-answer'
import { decodeUser, isSameProfile, type Profile } from './identity'
import { directoryRoom, type MemberReports } from './member-reports'

/** Members that the directory is asked for at once. */
const LIST_MEMBERS = 1_000

/** What a reader needs of its surroundings. */
export interface MemberReaderHost {
  readonly namespaceName: string
  readonly directory: Directory
  readonly wheel: TimingWheel
  readonly codec: ValueCodec
  /** As they are known on this server, if they are. */
  profileOf(userId: string): Profile | undefined
}

/** A part of a list. */
export interface EntryPage {
  readonly users: readonly UserEntry[]
  readonly next: number | undefined
}

/**
 * The user lists of a namespace as the directory of the engine has them: of all servers. What this server has to report goes
 * first, so that everybody reads what they have caused. Everything here throws `ENGINE_FAILED`, now or as a rejection.
 */
export class MemberReader {
  constructor(
    private readonly reports: MemberReports,
    private readonly host: MemberReaderHost,
  ) {}

  /** Users of a room in order of arrival, or with null of the namespace. */
  list(room: string | null): Soon<UserEntry[]> {
    // By id: who goes and comes again while pages are read may be on two of them.
    const entries = new Map<string, UserEntry>()
    const readFrom = (after: string | undefined): Soon<UserEntry[]> =>
      soon(this.read(room, LIST_MEMBERS, after), ({ members, next }) => {
        for (const member of members) {
          entries.delete(member.userId)
          entries.set(member.userId, this.entryOf(member))
        }
        return next === undefined ? [...entries.values()] : readFrom(next)
      })
    return this.afterReports(() => readFrom(undefined))
  }

  /** Some of them. @param after  Where they begin: 0, or the `next` of a page before. */
  page(room: string | null, after: number, limit: number): Soon<EntryPage> {
    return this.afterReports(() =>
      soon(this.read(room, limit, after === 0 ? undefined : `${after}`), ({ members, next }) => ({
        users: members.map((member) => this.entryOf(member)),
        next: next === undefined ? undefined : numberOf(next),
      })),
    )
  }

  /** One of them. */
  get(room: string | null, userId: string): Soon<UserEntry | undefined> {
    return this.afterReports(() =>
      soon(
        this.ask('a member', (directory) => directory.get(this.nameOf(room), userId)),
        (member) => (member === null ? undefined : this.entryOf(member)),
      ),
    )
  }

  /** How many they are. */
  count(room: string | null): Soon<number> {
    return this.afterReports(() => this.ask('a count of members', (directory) => directory.count(this.nameOf(room))))
  }

  private read(room: string | null, limit: number, after: string | undefined): Soon<MemberPage> {
    const options = after === undefined ? { limit } : { limit, after }
    return this.ask('a page of members', (directory) => directory.list(this.nameOf(room), options))
  }

  private afterReports<Value>(read: () => Soon<Value>): Soon<Value> {
    return soon(this.reports.flush(), read)
  }

  private ask<Value>(what: string, ask: (directory: Directory) => Soon<Value>): Soon<Value> {
    return askEngine(this.host.wheel, what, () => ask(this.host.directory))
  }

  private entryOf({ userId, devices, joinedAt, profile }: Member): UserEntry {
    return { user: this.userOf(userId, profile), devices, joinedAt }
  }

  /** The user as this server knows them, who need not be decoded or kept twice, unless another server knows better. */
  private userOf(userId: string, profile: Uint8Array): DefaultUser {
    const known = this.host.profileOf(userId)
    if (known !== undefined && isSameProfile(known.bytes, profile)) return known.user
    return decodeUser(userId, profile, this.host.codec)
  }

  private nameOf(room: string | null): string {
    return directoryRoom(this.host.namespaceName, room)
  }
}

/** A place in a list as applications see it. @throws RoomcastError `ENGINE_FAILED` for what is no number. */
function numberOf(next: string): number {
  const place = Number(next)
  if (Number.isSafeInteger(place) && place > 0 && `${place}` === next) return place
  throw engineFailed(`has a page of members that ends at "${next.slice(0, 50)}", which is no integer from 1`)
}
