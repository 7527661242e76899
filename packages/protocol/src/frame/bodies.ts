import { isRoomcastError, RoomcastError } from '../errors'
import { isNamespaceName } from '../names/names'
import { PING_INTERVAL_MS, PING_TIMEOUT_MS } from '../tables/limits'
import type { PublicUser } from '../types/user'

/*
 * The shapes of the bodies (MESSAGE_DEFINITIONS), checked after decoding. Unknown keys are passed over, so
 * that a later minor version may add some.
 */

/** Body of CONNECT. */
export interface ConnectBody {
  readonly nsp: string
  readonly auth?: unknown
  /** `sid` that the socket had on the connection before. */
  readonly previous?: string | undefined
  /** Secret of the client, of its own making and the same for all its life: what its calls and its session belong to. */
  readonly client?: string | undefined
  /** The session that it wants to go on with. */
  readonly resume?: ResumeBody | undefined
}

/** A place in the order of a room's messages: the room's number on this server, and the last position received. */
export type PositionEntry = readonly [number: number, position: number]

/** `resume` of CONNECT. */
export interface ResumeBody {
  /** As the server gave it, for one use. */
  readonly secret: string
  /** Position in the socket's own stream. */
  readonly own: number
  readonly rooms: readonly PositionEntry[]
}

/** `session` of CONNECTED. */
export interface SessionBody {
  /** For the next connection. */
  readonly secret: string
  /** Time that the session is kept after the link is lost. */
  readonly windowMs: number
  /** Whether it is the session of CONNECT's `resume`. */
  readonly resumed: boolean
  /** Whether nothing is missing: what was sent meanwhile follows. */
  readonly recovered: boolean
  /** Position in the socket's own stream behind which messages follow. */
  readonly own: number
}

/** Where a room goes on, and whether nothing is missing before. */
export type RoomEntry = readonly [number: number, position: number, recovered: boolean]

/** What the server allows on this connection; sizes in bytes, times in milliseconds. */
export interface AnnouncedLimits {
  readonly frameBytes: number
  readonly pingIntervalMs: number
  readonly pingTimeoutMs: number
}

/** How a connection ended. */
export interface EndBody {
  /** PROTOCOL.md, "Close codes". */
  readonly code: number
  readonly message: string
}

/** Body of CLOSE. */
export interface CloseBody extends EndBody {
  /** Milliseconds that the client is to stay away. */
  readonly retryAfterMs?: number | undefined
}

/** Body of SWITCH. */
export interface SwitchBody {
  /** Id and secret of the polling session, as it was given. */
  readonly session: string
  /** Number of the last frame received. */
  readonly received: number
}

/** Body of CONNECTED. */
export interface ConnectedBody {
  readonly nsp: string
  readonly sid: string
  readonly limits: AnnouncedLimits
  /** How the connection before ended, if the client could not see it. */
  readonly previous?: EndBody | undefined
  /** Who the socket is logged in as. */
  readonly user?: PublicUser | undefined
  /** Milliseconds until the login ends. */
  readonly expiresInMs?: number | undefined
  /** If the server keeps sessions. */
  readonly session?: SessionBody | undefined
  /**
   * Rooms that the socket is in: first those of CONNECT's `resume`, in its order, null where it is not in the room any more;
   * then others.
   */
  readonly rooms?: readonly (RoomEntry | null)[] | undefined
}

/** Body of REQUEST and NOTICE: what is meant, and its arguments. */
export type NamedBody = readonly [name: string, ...args: unknown[]]

/** Body of ACK_ERROR and ERROR, and of CONNECT_ERROR together with `nsp`. */
export interface ErrorBody {
  readonly code: string
  readonly message: string
  readonly data?: unknown
}

/** Body of CONNECT_ERROR. */
export interface ConnectErrorBody extends ErrorBody {
  readonly nsp: string
}

/** @throws RoomcastError `BAD_FRAME` unless `body` is an array. */
export function readArguments(body: unknown): unknown[] {
  if (!Array.isArray(body)) throw bad('an array of arguments')
  return body
}

/** @throws RoomcastError `BAD_FRAME` unless `body` is a {@link ConnectBody}. */
export function readConnectBody(body: unknown): ConnectBody {
  if (!isRecord(body) || !isNamespaceName(body.nsp)) throw bad('that of CONNECT')
  const { nsp, auth, previous, client, resume } = body
  return { nsp, auth, previous: textOf(previous), client: textOf(client), resume: resumeOf(resume) }
}

/** @throws RoomcastError `BAD_FRAME` unless `body` is a {@link ConnectedBody}. */
export function readConnectedBody(body: unknown): ConnectedBody {
  if (isRecord(body) && typeof body.nsp === 'string' && typeof body.sid === 'string' && isRecord(body.limits)) {
    const { nsp, sid, limits, previous, user, expiresInMs, session, rooms } = body
    const { frameBytes, pingIntervalMs = PING_INTERVAL_MS, pingTimeoutMs = PING_TIMEOUT_MS } = limits
    if (isCount(frameBytes) && isCount(pingIntervalMs) && isCount(pingTimeoutMs)) {
      return {
        nsp,
        sid,
        limits: { frameBytes, pingIntervalMs, pingTimeoutMs },
        previous: isEnd(previous) ? previous : undefined,
        user: isUser(user) ? user : undefined,
        expiresInMs: isCount(expiresInMs) ? expiresInMs : undefined,
        session: isSession(session) ? session : undefined,
        rooms: Array.isArray(rooms) && rooms.every(isRoomOrNone) ? rooms : undefined,
      }
    }
  }
  throw bad('that of CONNECTED')
}

/** @throws RoomcastError `BAD_FRAME` unless `body` is a {@link NamedBody}. */
export function readNamedBody(body: unknown): NamedBody {
  if (Array.isArray(body) && typeof body[0] === 'string') return body as unknown as NamedBody
  throw bad('a name and arguments')
}

/** The end that a DISCONNECT of the server tells of; undefined as a rule. */
export function readDisconnectBody(body: unknown): EndBody | undefined {
  return isEnd(body) ? body : undefined
}

/** @throws RoomcastError `BAD_FRAME` unless `body` is a {@link CloseBody}. */
export function readCloseBody(body: unknown): CloseBody {
  if (!isEnd(body)) throw bad('that of CLOSE')
  const { retryAfterMs } = body as { retryAfterMs?: unknown }
  return { ...body, retryAfterMs: isCount(retryAfterMs) ? retryAfterMs : undefined }
}

/** @throws RoomcastError `BAD_FRAME` unless `body` is a {@link SwitchBody}. */
export function readSwitchBody(body: unknown): SwitchBody {
  if (isRecord(body) && typeof body.session === 'string' && isCount(body.received)) {
    return { session: body.session, received: body.received }
  }
  throw bad('that of SWITCH')
}

/** @throws RoomcastError `BAD_FRAME` unless `body` is an {@link ErrorBody}. */
export function readErrorBody(body: unknown): ErrorBody {
  if (isRecord(body) && typeof body.code === 'string' && typeof body.message === 'string') {
    return { code: body.code, message: body.message, data: body.data }
  }
  throw bad('an error')
}

/** @throws RoomcastError `BAD_FRAME` unless `body` is a {@link ConnectErrorBody}. */
export function readConnectErrorBody(body: unknown): ConnectErrorBody {
  const error = readErrorBody(body)
  const { nsp } = body as { nsp?: unknown }
  if (typeof nsp !== 'string') throw bad('an error with nsp')
  return { nsp, ...error }
}

/**
 * The body that tells the peer about `error`: a {@link RoomcastError} with its own code, text and data,
 * anything else as `fallbackCode` without its text, which may hold secrets.
 */
export function toErrorBody(error: unknown, fallbackCode: string, fallbackMessage: string): ErrorBody {
  if (isRoomcastError(error)) return { code: error.code, message: error.message, data: error.data }
  return { code: fallbackCode, message: fallbackMessage }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether a value of the peer is a user. */
export function isUser(value: unknown): value is PublicUser {
  return isRecord(value) && typeof value.id === 'string'
}

function isEnd(value: unknown): value is EndBody {
  return isRecord(value) && isCount(value.code) && typeof value.message === 'string'
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Undefined for what is malformed: the client then begins anew, and is told. */
function resumeOf(value: unknown): ResumeBody | undefined {
  if (!isRecord(value)) return undefined
  const { secret, own, rooms } = value
  const isLegal = typeof secret === 'string' && isCount(own) && Array.isArray(rooms) && rooms.every(isPosition)
  return isLegal ? { secret, own, rooms } : undefined
}

/** Whether a value of the peer is a room's number with a position. */
export function isPosition(value: unknown): value is PositionEntry {
  return Array.isArray(value) && isCount(value[0]) && isCount(value[1])
}

function isRoomOrNone(value: unknown): value is RoomEntry | null {
  return value === null || (isPosition(value) && typeof (value as readonly unknown[])[2] === 'boolean')
}

function isSession(value: unknown): value is SessionBody {
  return (
    isRecord(value) &&
    typeof value.secret === 'string' &&
    isCount(value.windowMs) &&
    typeof value.resumed === 'boolean' &&
    typeof value.recovered === 'boolean' &&
    isCount(value.own)
  )
}

/** Whether a value of the peer is a whole number, from 0. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function bad(expected: string): RoomcastError {
  return new RoomcastError('BAD_FRAME', `the body is not ${expected}`)
}
