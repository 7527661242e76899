import { isRoomcastError, RoomcastError } from '../errors'
import { isNamespaceName } from '../names/names'

/*
 * The shapes of the bodies (MESSAGE_DEFINITIONS), checked after decoding. Unknown keys are passed over, so
 * that a later minor version may add some.
 */

/** Body of CONNECT. */
export interface ConnectBody {
  readonly nsp: string
  readonly auth?: unknown
}

/** What the server allows on this connection; sizes in bytes. */
export interface AnnouncedLimits {
  readonly frameBytes: number
}

/** Body of CONNECTED. */
export interface ConnectedBody {
  readonly nsp: string
  readonly sid: string
  readonly limits: AnnouncedLimits
}

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
  if (!isRecord(body) || !isNamespaceName(body.nsp)) throw bad('a map with a namespace name')
  return { nsp: body.nsp, auth: body.auth }
}

/** @throws RoomcastError `BAD_FRAME` unless `body` is a {@link ConnectedBody}. */
export function readConnectedBody(body: unknown): ConnectedBody {
  if (isRecord(body) && typeof body.nsp === 'string' && typeof body.sid === 'string' && isRecord(body.limits)) {
    const { frameBytes } = body.limits
    if (typeof frameBytes === 'number') return { nsp: body.nsp, sid: body.sid, limits: { frameBytes } }
  }
  throw bad('a map with nsp, sid and limits')
}

/** @throws RoomcastError `BAD_FRAME` unless `body` is an {@link ErrorBody}. */
export function readErrorBody(body: unknown): ErrorBody {
  if (isRecord(body) && typeof body.code === 'string' && typeof body.message === 'string') {
    return { code: body.code, message: body.message, data: body.data }
  }
  throw bad('a map with code and message')
}

/** @throws RoomcastError `BAD_FRAME` unless `body` is a {@link ConnectErrorBody}. */
export function readConnectErrorBody(body: unknown): ConnectErrorBody {
  const error = readErrorBody(body)
  const { nsp } = body as { nsp?: unknown }
  if (typeof nsp !== 'string') throw bad('a map with nsp, code and message')
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

function bad(expected: string): RoomcastError {
  return new RoomcastError('BAD_FRAME', `body is not ${expected}`)
}
