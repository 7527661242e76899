import type { DefaultUser } from '@roomcast/protocol'
import type { Deadline } from '../connection/timing-wheel'
import type { TokenBucket } from '../connection/token-bucket'
import type { RoomMember } from '../rooms/room-index'
import type { Identity, Profile } from './identity'

/** A socket, as far as people are concerned. */
export interface PeopleMember extends RoomMember {
  /** Who it is; null for anonymous sockets. */
  login: MemberLogin<this> | null
}

/** A list that an account may be on. */
export interface AccountList {
  /** The profile has changed. */
  touch(account: { readonly id: string }): void
  /** The user is not expected back any more. */
  forget(account: { readonly id: string }): void
}

/** What a user may send. */
export interface UserRates {
  readonly bucket: TokenBucket
  /** The user is gone: keeps the bucket for when they come back. */
  keep(): void
}

/** A user who is online in one namespace: one profile, however many sockets. */
export class Account<Member extends PeopleMember> {
  readonly id: string
  readonly members = new Set<Member>()
  /** The lists it is on: they are told when the profile changes. */
  readonly lists = new Set<AccountList>()
  /** What all sockets of the user together may send; null until one of them does. */
  inbound: UserRates | null = null

  constructor(public profile: Profile) {
    this.id = profile.user.id
  }

  get user(): DefaultUser {
    return this.profile.user
  }
}

/** The login of one socket. */
export class MemberLogin<Member extends PeopleMember> {
  /** null until the socket is admitted. */
  account: Account<Member> | null = null
  /** Closes the connection when the login ends. */
  expiry: Deadline | null = null

  constructor(public identity: Identity) {}

  /** As everybody sees them now. */
  get user(): DefaultUser {
    return (this.account?.profile ?? this.identity.profile).user
  }
}
