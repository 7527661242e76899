import { type DefaultUser, LIMITS, type PublicUser, RoomcastError } from '@roomcast/protocol'
import { inRange } from './ranges'

/** Whose credentials a {@link Login} is asked about. */
export interface LoginContext<User extends PublicUser = DefaultUser> {
  /** Name of the namespace, `/` for the main one. */
  readonly namespace: string
  readonly socketId: string
  /** Address of the client; with the option `trustedProxies`, as the proxies tell it. */
  readonly address: string
  /** Of the request that opened the connection, by lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** Who the socket is logged in as: a login again is a change, or a refresh before `expiresAt`. */
  readonly user: User | null
  /**
   * Aborted when nobody waits for the answer any more: `loginTimeout` is over, the client is gone, or another login or a logout
   * has taken the place of this one. Never once the login has answered.
   */
  readonly signal: AbortSignal
}

/** A user, and what the server keeps to itself. */
export type LoginResult<User extends PublicUser = DefaultUser> = User & {
  /**
   * When the login ends, a Date or milliseconds since 1970: the client is asked for new credentials before, and its
   * connection is closed with `LOGIN_EXPIRED` if they do not come. @default never
   */
  readonly expiresAt?: Date | number
  /** Anything that handlers need and nobody else may see, `socket.claims`: roles, account numbers. */
  readonly claims?: unknown
}

/**
 * Turns credentials into a user. The only source of identity there is.
 *
 * @param credentials  What the client gave as `auth`, or to `login()`. Unchecked input: any value.
 * @returns The user; null refuses with `LOGIN_REFUSED`.
 * @throws A RoomcastError refuses with its code, text and data; with `data: { retryAfterMs }` for now only. Anything else is a fault of the server: it is reported, and
 *         the client hears `LOGIN_FAILED` and tries again later.
 */
export type Login<User extends PublicUser = DefaultUser> = (
  // biome-ignore lint/suspicious/noExplicitAny: unchecked input
  credentials: any,
  context: LoginContext<User>,
) => LoginResult<User> | null | PromiseLike<LoginResult<User> | null>

/** Bounds of what logins may cost. */
export interface LoginLimits {
  /** Logins that run at once; of one socket one. @default 8 */
  readonly concurrent?: number
  /** Logins that wait for their turn; more are refused with `LOGIN_BUSY`. @default 1024 */
  readonly queued?: number
  /** Refused logins in a minute, from one address (of IPv6, one network of 64 bits). @default 60 */
  readonly failuresPerAddress?: number
  /**
   * Refused logins in a minute, of one account. A socket that is logged in, and an address from which the account was logged in to
   * lately, have as many for themselves, and are not held up by others. @default 10
   */
  readonly failuresPerAccount?: number
  /**
   * Names the account that credentials are for, before they are checked, or all that they might be for; undefined if they
   * do not say. Name the field that the login reads: a client may send others beside it. @default the texts in `username`,
   * `email` and `account`
   */
  readonly accountOf?: (credentials: unknown) => readonly string[] | string | undefined
}

/**
 * What happens when a user who is online comes again, on another connection:
 *
 *   multi    both stay, up to `maxSessionsPerUser`; then as single
 *   single   the newcomer is refused with `USER_SESSION_LIMIT`
 *   replace  the older one is closed with `REPLACED`
 *
 * A client that comes back after its link was lost always takes the place of its own former connection.
 */
export type SessionPolicy = 'multi' | 'replace' | 'single'

/**
 * What happens when the `name` of a user is in use by another who is online:
 *
 *   refuse  the login is refused with `NAME_IN_USE`
 *   number  the newcomer gets a number behind the name, from 2
 *   allow   both have it
 */
export type NamePolicy = 'allow' | 'number' | 'refuse'

/** Rules for the field `name` of users. */
export interface NameOptions {
  /** @default 'refuse' */
  readonly inUse?: NamePolicy
  /** Longest name, in bytes of UTF-8, from 1 to 512. @default 64 */
  readonly maxBytes?: number
}

/** Who asks to watch a user list: a socket. */
export interface Watcher<User extends PublicUser = DefaultUser> {
  readonly id: string
  readonly user: User | null
  // biome-ignore lint/suspicious/noExplicitAny: whatever the login returned
  readonly claims: any
  // biome-ignore lint/suspicious/noExplicitAny: whatever the application keeps there
  readonly data: any
  readonly rooms: Set<string>
}

/**
 * Whether somebody may watch the users of a room, or how many they are. Asked again when the socket leaves the room. A throw or a
 * rejection is reported, and refuses.
 *
 * @param room  null for everybody who is online.
 */
export type WatchRule<User extends PublicUser = DefaultUser> = (
  watcher: Watcher<User>,
  room: string | null,
  mode: 'count' | 'users',
) => boolean | PromiseLike<boolean>

/** How the users of a room, or of a whole namespace, are listed. Times are milliseconds. */
export interface PresencePolicy<User extends PublicUser = DefaultUser> {
  /**
   * `users`: lists. `count`: watchers get numbers only. `off`: nobody watches, and no lists of rooms are kept; that of the
   * namespace is, for `online()` and names. @default 'users'
   */
  readonly mode?: 'count' | 'off' | 'users'
  /**
   * Who may watch. `members`: sockets in the room; for the list of everybody, those that are logged in. Leaving the room, or
   * logging out, ends it. @default nobody
   */
  readonly watch?: WatchRule<User> | 'members' | 'nobody'
  /**
   * Time that changes are gathered for one frame, from 0 to 60,000; longer, up to 1 s, while hundreds come. 0 means with the next
   * tick, 25 ms. @default 250
   */
  readonly flushMs?: number
  /**
   * Time that a user whose link was lost stays listed, from 0 to 600,000: a page that is loaded again does not flicker.
   * @default 3000
   */
  readonly graceMs?: number
}

/** The options of a server that concern people. */
export interface PeopleOptions<User extends PublicUser = DefaultUser> {
  /** Turns credentials into users. Without it everybody is anonymous. A namespace may have its own: `useLogin`. */
  readonly login?: Login<User>
  /** Whether clients may be connected without a user: those that give no `auth`, or log out. @default false */
  readonly allowAnonymous?: boolean
  /**
   * Milliseconds for a login, waiting included; then `LOGIN_TIMEOUT`. A connection without a namespace is closed after
   * `connectTimeout` all the same. @default 4000, less if `connectTimeout` is
   */
  readonly loginTimeout?: number
  readonly loginLimits?: LoginLimits
  /** What happens when a user comes again. @default 'multi' */
  readonly sessions?: SessionPolicy
  /** Connections a user may have in one namespace. @default 32 */
  readonly maxSessionsPerUser?: number
  readonly names?: NameOptions
  /** User lists, where no policy of `rooms()` says otherwise. */
  readonly presence?: PresencePolicy<User>
}

/** {@link PresencePolicy} with the defaults filled in. */
export type ResolvedPresence = Required<PresencePolicy>

/** {@link PeopleOptions} with the defaults filled in and checked. */
export interface ResolvedPeopleOptions {
  readonly login: Login | null
  readonly allowAnonymous: boolean
  readonly loginTimeoutMs: number
  readonly loginLimits: Required<LoginLimits>
  readonly sessions: SessionPolicy
  readonly maxSessionsPerUser: number
  readonly names: Required<NameOptions>
  readonly presence: ResolvedPresence
}

const SESSION_POLICIES: readonly SessionPolicy[] = ['multi', 'replace', 'single']
const NAME_POLICIES: readonly NamePolicy[] = ['allow', 'number', 'refuse']
const MODES = ['count', 'off', 'users'] as const

/** @param connectTimeoutMs  Of the same server. @throws RoomcastError `INVALID_OPTION`. */
export function resolvePeopleOptions(options: PeopleOptions, connectTimeoutMs: number): ResolvedPeopleOptions {
  const { login, allowAnonymous = false, loginLimits = {}, names = {} } = options
  // Else clients would be closed while they log in by connecting.
  const loginTimeout = options.loginTimeout ?? Math.min(LIMITS.loginTimeoutMs, Math.max(1, connectTimeoutMs - 1))
  if (login !== undefined && typeof login !== 'function') throw invalid('login', 'a function')
  if (typeof allowAnonymous !== 'boolean') throw invalid('allowAnonymous', 'a boolean')
  const { accountOf = accountName } = loginLimits
  if (typeof accountOf !== 'function') throw invalid('loginLimits.accountOf', 'a function')
  const count = (name: keyof LoginLimits, fallback: number, min = 1) =>
    inRange(`loginLimits.${name}`, (loginLimits[name] as number | undefined) ?? fallback, min, 2 ** 31 - 1)
  return {
    login: login ?? null,
    allowAnonymous,
    loginTimeoutMs: inRange('loginTimeout', loginTimeout, 1, 2 ** 31 - 1),
    loginLimits: {
      concurrent: count('concurrent', LIMITS.concurrentLogins),
      queued: count('queued', LIMITS.queuedLogins, 0),
      failuresPerAddress: count('failuresPerAddress', LIMITS.loginFailuresPerAddress),
      failuresPerAccount: count('failuresPerAccount', LIMITS.loginFailuresPerAccount),
      accountOf,
    },
    sessions: oneOf('sessions', options.sessions ?? 'multi', SESSION_POLICIES),
    maxSessionsPerUser: inRange(
      'maxSessionsPerUser',
      options.maxSessionsPerUser ?? LIMITS.sessionsPerUser,
      1,
      2 ** 31 - 1,
    ),
    names: {
      inUse: oneOf('names.inUse', names.inUse ?? 'refuse', NAME_POLICIES),
      maxBytes: inRange('names.maxBytes', names.maxBytes ?? LIMITS.userNameBytes, 1, 512),
    },
    presence: resolvePresence('presence', options.presence ?? {}, DEFAULT_PRESENCE),
  }
}

const DEFAULT_PRESENCE: ResolvedPresence = {
  mode: 'users',
  watch: 'nobody',
  flushMs: LIMITS.presenceFlushMs,
  graceMs: LIMITS.presenceGraceMs,
}

/** @param base  Where what the policy leaves out comes from. @throws RoomcastError `INVALID_OPTION`. */
export function resolvePresence(name: string, policy: PresencePolicy, base: ResolvedPresence): ResolvedPresence {
  if (typeof policy !== 'object' || policy === null) throw invalid(name, 'an object')
  const { mode, watch, flushMs, graceMs } = { ...base, ...policy }
  if (typeof watch !== 'function' && watch !== 'members' && watch !== 'nobody') {
    throw invalid(`${name}.watch`, '"members", "nobody" or a function')
  }
  return {
    mode: oneOf(`${name}.mode`, mode, MODES),
    watch,
    flushMs: inRange(`${name}.flushMs`, flushMs, 0, 60_000),
    graceMs: inRange(`${name}.graceMs`, graceMs, 0, 600_000),
  }
}

/** The accounts that credentials name, in the usual fields. */
function accountName(credentials: unknown): readonly string[] | undefined {
  if (typeof credentials !== 'object' || credentials === null) return undefined
  const { username, email, account } = credentials as Record<string, unknown>
  return [username, email, account].filter((value) => typeof value === 'string')
}

function oneOf<Value extends string>(name: string, value: Value, values: readonly Value[]): Value {
  if (values.includes(value)) return value
  throw invalid(name, values.map((each) => `"${each}"`).join(', '))
}

function invalid(name: string, expected: string): RoomcastError {
  return new RoomcastError('INVALID_OPTION', `${name} has to be ${expected}`)
}
