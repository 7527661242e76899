/**
 * A user as everybody may see them: what a login returned, without what is private. `name`, if there is one, is unique
 * among those who are online, unless the server's option `names` says otherwise.
 */
export interface PublicUser {
  /** Given by the server's login, 1 to 128 bytes; the same for all devices of the user. */
  readonly id: string
}

/** A user of servers that do not say what their profiles hold. */
// biome-ignore lint/suspicious/noExplicitAny: as with events of untyped servers, a profile holds anything
export type DefaultUser = PublicUser & { readonly [field: string]: any }

/** One line of a user list: a user, however many tabs or devices they have. */
export interface UserEntry<User extends PublicUser = DefaultUser> {
  readonly user: User
  /**
   * Connections of the user in the room, or in the namespace. On the server 0 for one whose link was lost and who is expected
   * back; on the client at least 1.
   */
  readonly devices: number
  /** When the first of them came, milliseconds since 1970 by the server's clock. */
  readonly joinedAt: number
}
