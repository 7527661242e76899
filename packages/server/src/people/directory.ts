import { randomInt } from 'node:crypto'
import { type DefaultUser, isRoomcastError, RoomcastError } from '@roomcast/protocol'
import type { ResolvedPeopleOptions } from '../options/people-options'
import { Account, MemberLogin, type PeopleMember } from './account'
import { type Identity, isSameProfile, type Profile, type ProfileRules, readProfile } from './identity'
import { userNameKey } from './names'

/** Numbers that are tried in order behind a name in use, and tries in all. */
const COUNTED_NUMBERS = 20
const NUMBERED_TRIES = 60

/** What {@link Directory.enter} changed besides. */
export interface Entry<Member extends PeopleMember> {
  readonly account: Account<Member>
  /** Sockets that have to go: the newcomer takes their place. */
  readonly displaced: readonly Member[]
  /** Whether the socket was not this user's before. */
  readonly isFirst: boolean
  /** Whether the others see another profile than before. */
  readonly isProfileNew: boolean
}

/** Who is online in one namespace, by id and by name. */
export class Directory<Member extends PeopleMember> {
  private readonly accounts = new Map<string, Account<Member>>()
  /** Ids by canonical name. */
  private readonly names = new Map<string, string>()

  constructor(
    private readonly options: Pick<ResolvedPeopleOptions, 'maxSessionsPerUser' | 'names' | 'sessions'>,
    private readonly rules: ProfileRules,
  ) {}

  get size(): number {
    return this.accounts.size
  }

  /** The user with this id, while online or kept for a reload. */
  get(id: string): Account<Member> | undefined {
    return this.accounts.get(id)
  }

  /**
   * Puts a socket under its user.
   *
   * @param previous  Id of a socket whose place it takes, if that is the same user's: the client came back.
   * @throws RoomcastError `USER_SESSION_LIMIT`, `NAME_IN_USE`; then nothing has changed.
   */
  enter(member: Member, identity: Identity, previous: string | undefined): Entry<Member> {
    const { id } = identity.profile.user
    const known = this.accounts.get(id)
    const displaced = this.displacedBy(member, known, previous)
    const profile = this.claimName(identity.profile, null)
    const account = known ?? new Account<Member>(profile)
    const isProfileNew = known !== undefined && !isSameProfile(known.profile.bytes, profile.bytes)
    this.setProfile(account, profile)
    this.accounts.set(id, account)
    const isFirst = !account.members.has(member)
    account.members.add(member)
    member.login ??= new MemberLogin(identity)
    member.login.identity = identity
    member.login.account = account
    return { account, displaced, isFirst, isProfileNew }
  }

  /** @throws RoomcastError `USER_SESSION_LIMIT`, `NAME_IN_USE`. */
  assertMayEnter(member: Member, { profile }: Identity): void {
    this.displacedBy(member, this.accounts.get(profile.user.id), undefined)
    this.claimName(profile, member)
  }

  /** Takes a socket from its user, who stays known until {@link release}. */
  exit(member: Member): Account<Member> | null {
    const { login } = member
    const account = login?.account ?? null
    if (login === null || account === null) return null
    account.members.delete(member)
    login.identity = { ...login.identity, profile: account.profile }
    login.account = null
    return account
  }

  /** Forgets a user without sockets, who is on no list; the name is free again. */
  release(account: Account<Member>): void {
    if (account.members.size > 0 || this.accounts.get(account.id) !== account) return
    this.accounts.delete(account.id)
    this.freeName(account)
    account.inbound?.keep()
  }

  /**
   * Changes fields of a profile; undefined takes one away.
   *
   * @throws RoomcastError `USER_NOT_ONLINE`, `NAME_IN_USE`, `INVALID_NAME`, `INVALID_USER`; then nothing has changed.
   */
  update(id: string, changes: Readonly<Record<string, unknown>>): Account<Member> {
    const account = this.accounts.get(id)
    if (account === undefined) throw new RoomcastError('USER_NOT_ONLINE', 'no user with this id is online')
    // Of a login's result these are not the profile's.
    const { claims, expiresAt, ...fields } = changes
    this.setProfile(account, this.claimName(readProfile({ ...account.user, ...fields, id }, this.rules), null))
    return account
  }

  private displacedBy(newcomer: Member, account: Account<Member> | undefined, previous: string | undefined): Member[] {
    const others = [...(account?.members ?? [])].filter((member) => member !== newcomer)
    const former = others.find(({ id }) => id === previous)
    const { sessions, maxSessionsPerUser } = this.options
    if (sessions === 'replace') return others
    const limit = sessions === 'single' ? 1 : maxSessionsPerUser
    if (others.length - (former ? 1 : 0) >= limit) {
      throw new RoomcastError('USER_SESSION_LIMIT', `the user may have ${limit} connection${limit === 1 ? '' : 's'}`)
    }
    return former ? [former] : []
  }

  /**
   * @param leaving  A socket that is about to be somebody else: a name that it alone holds is free for it.
   * @returns The profile, with the name that it gets.
   * @throws RoomcastError `NAME_IN_USE`.
   */
  private claimName(profile: Profile, leaving: Member | null): Profile {
    const { nameKey, user } = profile
    const { inUse } = this.options.names
    if (nameKey === null || inUse === 'allow' || this.isFree(nameKey, user.id)) return profile
    const former = leaving?.login?.account
    if (former?.members.size === 1 && this.names.get(nameKey) === former.id) return profile
    if (inUse === 'number') {
      const present = this.accounts.get(user.id)?.profile
      if (present && isNumbered(present.user.name, user.name)) {
        return this.profileOf({ ...user, name: present.user.name } as DefaultUser) ?? present
      }
      for (let tries = 2; tries <= NUMBERED_TRIES; tries++) {
        // In a crowd of one name any number will do: counting up to a free one would cost each newcomer more.
        const number = tries <= COUNTED_NUMBERS ? tries : randomInt(COUNTED_NUMBERS, 1_000_000)
        const name = `${user.name} ${number}`
        if (!this.isFree(userNameKey(name), user.id)) continue
        const numbered = this.profileOf({ ...user, name } as DefaultUser)
        if (numbered === null) break
        return numbered
      }
    }
    throw new RoomcastError('NAME_IN_USE', 'somebody who is online has this name')
  }

  /** null if the longer name has no room. */
  private profileOf(user: DefaultUser): Profile | null {
    try {
      return readProfile(user, this.rules)
    } catch (error) {
      if (isRoomcastError(error)) return null
      throw error
    }
  }

  private isFree(nameKey: string, id: string): boolean {
    const holder = this.names.get(nameKey)
    return holder === undefined || holder === id
  }

  private setProfile(account: Account<Member>, profile: Profile): void {
    this.freeName(account)
    account.profile = profile
    if (profile.nameKey !== null && this.options.names.inUse !== 'allow') this.names.set(profile.nameKey, account.id)
  }

  private freeName({ id, profile: { nameKey } }: Account<Member>): void {
    if (nameKey !== null && this.names.get(nameKey) === id) this.names.delete(nameKey)
  }
}

/** Whether a name is another with a number behind it. */
function isNumbered(name: unknown, base: unknown): boolean {
  return typeof name === 'string' && name.startsWith(`${base} `) && /^\d+$/.test(name.slice(`${base} `.length))
}
