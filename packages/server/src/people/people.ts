import { type DefaultUser, LIMITS, RoomcastError, type ValueCodec } from '@roomcast/protocol'
import type { Directory as MemberDirectory } from '../cluster/engine'
import { Recent } from '../connection/recent'
import type { Deadline } from '../connection/timing-wheel'
import type { ResolvedPeopleOptions } from '../options/people-options'
import { listJoined } from '../rooms/joined'
import type { Account, MemberLogin, PeopleMember } from './account'
import { Directory, type Entry } from './directory'
import type { Identity, ProfileRules } from './identity'
import { Rosters } from './rosters'
import { Watches, type WatchesHost, type WatchMember } from './watches'

/** What the people of one namespace need of their surroundings. */
export interface PeopleHost<Member> extends WatchesHost {
  readonly codec: ValueCodec
  /** Of the engine: who is where, on all servers. */
  readonly directory: MemberDirectory
  /** The login of a socket has ended, and was not renewed. */
  onExpired(member: Member): void
  /** Nobody is online any more, or expected back, and the engine knows. */
  onEmpty(): void
}

/**
 * Who is who in one namespace: users by id, the rosters of its rooms, and who watches them.
 *
 *   socket ──login──► account ──► roster of everybody ──► feed ──► watchers
 *      └──────join─────┴────────► roster of the room ───► feed ──► watchers
 *                                       └──► reports ──► directory of the engine ──► who reads the lists
 */
export class People<Member extends WatchMember> {
  readonly rosters: Rosters<Member>
  readonly watches: Watches<Member>
  /** What profiles have to keep. */
  readonly profileRules: ProfileRules
  private readonly directory: Directory<Member>
  /** When users were revoked: logins that began before are void. */
  private readonly revoked = new Recent<number>(LIMITS.rememberedLogins, LIMITS.rememberedCloseMs)
  /** When so many were revoked that not all are remembered: every login that began before is void. */
  private revokedBefore = Number.NEGATIVE_INFINITY
  /** Whether the last user has gone, and the engine may not know. */
  private isEnding = false

  constructor(
    options: ResolvedPeopleOptions,
    private readonly host: PeopleHost<Member>,
  ) {
    this.profileRules = { codec: host.codec, nameBytes: options.names.maxBytes }
    this.directory = new Directory(options, this.profileRules)
    const onUnlisted = (account: Account<Member>) => {
      this.directory.release(account)
      if (this.directory.size === 0) this.finish()
    }
    const { namespaceName, directory, codec, wheel, reportFault } = host
    const shared = { namespaceName, directory, codec, wheel, reportFault }
    this.rosters = new Rosters(options.presence, { ...shared, onUnlisted, onSettled: () => this.endIfEmpty() })
    this.watches = new Watches(this.rosters, host)
  }

  /** Users who are online, or expected back; 1 while there are none and the engine does not know. */
  get size(): number {
    return this.directory.size || (this.rosters.reports.isSettled ? 0 : 1)
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
    // Lists that it comes to now have the new profile anyway.
    if (isProfileNew) this.tellProfile(account, member)
    if (isFirst) this.rosters.everybody.enter(account)
  }

  /** @throws RoomcastError `USER_SESSION_LIMIT`, `NAME_IN_USE`, `LOGIN_REFUSED`. */
  assertMayEnter(member: Member, identity: Identity): void {
    this.assertNotRevoked(identity)
    this.directory.assertMayEnter(member, identity)
  }

  /** A socket that leaves its rooms goes, or stops to be who it was. `login` stays, for those who are told. */
  exit(member: Member, isLost = false): void {
    this.watches.forget(member)
    const account = this.withdraw(member)
    if (account === null) return
    this.rosters.everybody.exit(account, isLost)
    // Who decided to go is not expected back anywhere.
    if (!isLost && account.members.size === 0) this.forget(account)
  }

  /** Takes back {@link enter}, before anybody was told. */
  withdraw(member: Member): Account<Member> | null {
    const { login } = member
    if (login === null) return null
    if (login.expiry !== null) this.host.wheel.cancel(login.expiry)
    login.expiry = null
    const account = this.directory.exit(member)
    if (account?.lists.size === 0) this.directory.release(account)
    return account
  }

  /** A socket joins a room. */
  join(member: Member, room: string): void {
    const account = member.login?.account
    if (account) this.rosters.make(room)?.enter(account)
  }

  /** A socket leaves a room. @param isLost  Its link was lost. */
  leave(member: Member, room: string, isLost = false): void {
    const account = member.login?.account
    if (account) this.rosters.get(room)?.exit(account, isLost)
  }

  /** Puts a socket that has become somebody on the lists of the rooms it is in already. */
  joinAll(member: Member): void {
    // Nobody has joined the room of their own id.
    for (const { name } of listJoined(member.joined)) if (name !== member.id) this.join(member, name)
  }

  /** Sockets of a user. */
  membersOf(id: string): ReadonlySet<Member> {
    return this.directory.get(id)?.members ?? NOBODY
  }

  /** Forgets a user whose sockets were closed, and makes void what logins of theirs are under way. */
  revoke(id: string): void {
    const now = this.host.wheel.now()
    if (this.revoked.size >= LIMITS.rememberedLogins) this.revokedBefore = now
    this.revoked.add(id, now)
    const account = this.directory.get(id)
    if (account !== undefined) this.forget(account)
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

  /** Nobody is left. Reported at once: another namespace of this name may follow, and has to be behind it. */
  private finish(): void {
    this.isEnding = true
    this.rosters.reports.attempt()
    this.endIfEmpty()
  }

  private endIfEmpty(): void {
    if (!this.isEnding || this.size > 0) return
    this.isEnding = false
    this.host.onEmpty()
  }

  private forget(account: Account<Member>): void {
    for (const list of [...account.lists]) list.forget(account)
  }

  private assertNotRevoked({ profile, startedAt }: Identity): void {
    const revokedAt = Math.max(this.revoked.get(profile.user.id) ?? Number.NEGATIVE_INFINITY, this.revokedBefore)
    if (revokedAt < startedAt) return
    throw new RoomcastError('LOGIN_REFUSED', 'all logins of this user were ended')
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
