import type { DefaultUser } from '@roomcast/protocol'
import { LIMITS, type PublicUser, RoomcastError } from '@roomcast/protocol'
import {
  type FlushPolicy,
  type LatestPolicy,
  type ResolvedLatestPolicy,
  resolveFlush,
  resolveLatest,
} from './pace-options'
import type { PresencePolicy, Watcher } from './people-options'
import { inRange } from './ranges'

/** How much of what a room was sent is kept: what is over any of these goes, the oldest first. */
export interface HistoryLimits {
  /** Messages, from 1. @default 1000 */
  readonly messages?: number
  /** Bytes of messages as they are sent, from 1. @default 262144 */
  readonly bytes?: number
  /** Milliseconds, from 1. @default 120000 */
  readonly ageMs?: number
}

/** {@link HistoryLimits}, and who may read. */
export interface HistoryPolicy extends HistoryLimits {
  /** Which clients may read it: those in the room, or none. @default 'members' */
  readonly read?: 'members' | 'nobody'
  /**
   * Names a message whose newest version stays, however old: of each key the latest, up to 1,024 keys. For `snapshot: 'retained'`.
   * Undefined for a message that is not such a value. @default none
   */
  // biome-ignore lint/suspicious/noExplicitAny: the arguments of any event
  readonly retain?: (event: string, ...args: any[]) => string | undefined
}

/** Who asks to be let into a room: a socket. */
export type Joiner<User extends PublicUser = DefaultUser> = Watcher<User>

/**
 * Whether a client may join a room. Asked again when its session is resumed, and when it joins again. A RoomcastError refuses with its code, text and
 * data; anything else that is thrown is reported, and refuses.
 *
 * @param params  What the client gave to `join`. Unchecked input: any value.
 */
export type JoinRule<User extends PublicUser = DefaultUser> = (
  joiner: Joiner<User>,
  room: string,
  // biome-ignore lint/suspicious/noExplicitAny: unchecked input
  params: any,
) => boolean | PromiseLike<boolean>

/**
 * The state of a room for somebody who joins. What is sent to the room from the call on follows behind it: a function that answers at once
 * gives a state and a stream that fit exactly; what one that answers later has read meanwhile may come again as a message.
 */
export type SnapshotHook<User extends PublicUser = DefaultUser> = (
  joiner: Joiner<User>,
  room: string,
  // biome-ignore lint/suspicious/noExplicitAny: unchecked input
  params: any,
) => unknown

/** Rules for the rooms of a pattern. */
export interface RoomPolicy<User extends PublicUser = DefaultUser> {
  /** What it leaves out is as in the server's option. */
  readonly presence?: PresencePolicy<User>
  /**
   * Keeps what the room was sent: messages have positions, gaps are found and repaired, and who comes back gets what was missed.
   * false: not even for `connectionStateRecovery`. @default as connectionStateRecovery has it
   */
  readonly history?: HistoryPolicy | boolean
  /** Who may join by `socket.join` of the client, with `params` of up to 8 KB. @default nobody */
  readonly authorize?: JoinRule<User>
  /**
   * What who joins is shown first: a number of messages, up to 1,000 and 256 KB; the retained ones, up to half of `maxOutgoingBytes`; or what a
   * function returns.
   * @default 0
   */
  readonly snapshot?: SnapshotHook<User> | number | 'retained'
  /** Messages of which only the newest is wanted, where one emit is for exactly such a room. @default those that `latest(key)` names */
  readonly latest?: LatestPolicy
  /**
   * When what the room is sent leaves: at once, or together at the end of a tick of 1 to 1,000 ms, in its order. Direct messages, and those of other rooms,
   * may overtake it by as much. @default 'immediate'
   */
  readonly flush?: FlushPolicy
}

/** {@link HistoryLimits} with the defaults filled in. */
export type ResolvedHistoryLimits = Required<HistoryLimits>

/** Of {@link RoomPolicy} what concerns messages, checked. */
export interface ResolvedRoomPolicy {
  /** null: no positions. Undefined: as the server has it. */
  readonly history: (ResolvedHistoryLimits & Pick<HistoryPolicy, 'read' | 'retain'>) | null | undefined
  readonly authorize: JoinRule | null
  readonly snapshot: SnapshotHook | number | 'retained'
  readonly latest: ResolvedLatestPolicy | null
  /** Milliseconds; 0: at once. */
  readonly tickMs: number
}

/** @throws RoomcastError `INVALID_OPTION`. */
export function resolveRoomPolicy(pattern: string, policy: RoomPolicy): ResolvedRoomPolicy {
  if (typeof pattern !== 'string') throw invalid('a pattern', `a text, not a ${typeof pattern}`)
  if (typeof policy !== 'object' || policy === null) throw invalid('a policy of rooms', 'an object')
  const { history, authorize, snapshot = 0, latest, flush } = policy
  if (authorize !== undefined && typeof authorize !== 'function') throw invalid('authorize', 'a function')
  if (typeof snapshot === 'number') inRange('snapshot', snapshot, 0, LIMITS.historyPageMessages)
  else if (snapshot !== 'retained' && typeof snapshot !== 'function') {
    throw invalid('snapshot', 'a number, "retained" or a function')
  }
  const resolved = resolveHistory(history)
  if (snapshot !== 0 && typeof snapshot !== 'function' && !resolved)
    throw invalid('snapshot', 'a function, without history')
  if (snapshot === 'retained' && !resolved?.retain)
    throw invalid('history.retain', 'a function, for snapshot "retained"')
  return {
    history: resolved,
    authorize: authorize ?? null,
    snapshot,
    latest: resolveLatest(latest),
    tickMs: resolveFlush(flush),
  }
}

function resolveHistory(history: RoomPolicy['history']): ResolvedRoomPolicy['history'] {
  if (history === undefined) return undefined
  if (history === false) return null
  if (history !== true && (typeof history !== 'object' || history === null)) {
    throw invalid('history', 'a boolean or an object')
  }
  const { read = 'members', retain, ...limits } = history === true ? ({} as HistoryPolicy) : history
  if (read !== 'members' && read !== 'nobody') throw invalid('history.read', '"members" or "nobody"')
  if (retain !== undefined && typeof retain !== 'function') throw invalid('history.retain', 'a function')
  return { ...resolveHistoryLimits('history', limits), read, ...(retain && { retain }) }
}

/** @throws RoomcastError `INVALID_OPTION`. */
export function resolveHistoryLimits(name: string, limits: HistoryLimits): ResolvedHistoryLimits {
  return {
    messages: inRange(`${name}.messages`, limits.messages ?? LIMITS.historyMessages, 1, 1_000_000),
    bytes: inRange(`${name}.bytes`, limits.bytes ?? LIMITS.historyBytes, 1, 2 ** 30),
    ageMs: inRange(`${name}.ageMs`, limits.ageMs ?? LIMITS.historyAgeMs, 1, 2 ** 31 - 1),
  }
}

/** Sessions that outlive their connection, with the names of Socket.IO. */
export interface RecoveryOptions {
  /** Milliseconds that a session is kept after its link was lost, from 1. @default 120000 */
  readonly maxDisconnectionDuration?: number
  /** Whether a socket that is resumed passes the middleware of its namespace by. The login is asked, and the rules of rooms, in either case. @default false */
  readonly skipMiddlewares?: boolean
  /** Sessions without a link that the server keeps; then the oldest go. @default 10000 */
  readonly maxSessions?: number
  /** What is kept of the messages to each room, to each socket and to everybody. A room's policy may say otherwise. */
  readonly history?: HistoryLimits
}

/** {@link RecoveryOptions} with the defaults filled in. */
export interface ResolvedRecovery {
  readonly windowMs: number
  readonly skipMiddlewares: boolean
  readonly maxSessions: number
  readonly history: ResolvedHistoryLimits
}

/** @returns null if sessions are not kept. @throws RoomcastError `INVALID_OPTION`. */
export function resolveRecovery(option: RecoveryOptions | boolean | undefined): ResolvedRecovery | null {
  if (option === undefined || option === false) return null
  if (option !== true && (typeof option !== 'object' || option === null)) {
    throw invalid('connectionStateRecovery', 'a boolean or an object')
  }
  const { maxDisconnectionDuration, skipMiddlewares = false, maxSessions, history = {} } = option === true ? {} : option
  const name = 'connectionStateRecovery'
  if (typeof skipMiddlewares !== 'boolean') throw invalid(`${name}.skipMiddlewares`, 'a boolean')
  return {
    windowMs: inRange(
      `${name}.maxDisconnectionDuration`,
      maxDisconnectionDuration ?? LIMITS.resumeWindowMs,
      1,
      2 ** 31 - 1,
    ),
    skipMiddlewares,
    maxSessions: inRange(`${name}.maxSessions`, maxSessions ?? LIMITS.detachedSessions, 1, 2 ** 31 - 1),
    history: resolveHistoryLimits(`${name}.history`, history),
  }
}

function invalid(name: string, expected: string): RoomcastError {
  return new RoomcastError('INVALID_OPTION', `${name} has to be ${expected}`)
}
