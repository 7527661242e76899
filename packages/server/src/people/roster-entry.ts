import type { UserEntry } from '@roomcast/protocol'
import type { Deadline } from '../connection/timing-wheel'
import type { Account, PeopleMember } from './account'

/** A line of a list: one user, while at least one of their sockets is there, or is expected back. */
export interface RosterEntry<Member extends PeopleMember> {
  readonly account: Account<Member>
  /** Sockets that are there; 0 while the user is expected back. */
  sockets: number
  readonly joinedAt: number
  /** Place in the order of arrival, from 1. */
  readonly place: number
  /** Ends the wait for a user whose link was lost. */
  leaving: Deadline | null
}

/** A row of a user list on the wire. PROTOCOL.md, section 11. */
export type Row = readonly unknown[]

/** An entry as the application sees it. */
export function publicEntry<Member extends PeopleMember>({
  account,
  sockets,
  joinedAt,
}: RosterEntry<Member>): UserEntry {
  return { user: account.user, devices: sockets, joinedAt }
}

/** An entry as watchers see it: who is expected back has not left for them, and still has a device. */
export function rowOf<Member extends PeopleMember>(entry: RosterEntry<Member>, hasProfile: boolean): Row {
  const row = [entry.account.id, Math.max(1, entry.sockets), entry.joinedAt]
  return hasProfile ? [...row, entry.account.profile.fields] : row
}
