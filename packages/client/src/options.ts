import { LIMITS, RoomcastError } from '@roomcast/protocol'

/** Asked at each attempt; calls back with the credentials. A throw or rejection is a final `AUTH_FAILED`. */
export type AuthFunction = (callback: (auth: object) => void) => unknown

/** What the client proves itself with: an object, or a function that is asked for one. */
export type AuthOption = AuthFunction | object

/** Options of a connection; the first `io()` for a server decides. Names are Socket.IO's. Times are milliseconds. */
export interface ManagerOptions {
  /** Where Roomcast lives on the server. @default '/roomcast' */
  readonly path?: string
  /** Added to the URL of the connection. Not for secrets: URLs are logged; use `auth`. @default {} */
  readonly query?: Readonly<Record<string, string>>
  /** Transports to use; this version has WebSocket. @default ['websocket'] */
  readonly transports?: readonly string[]
  /** Whether to reconnect. @default true */
  readonly reconnection?: boolean
  /** Failed attempts in a row until it gives up with `reconnect_failed`. @default Infinity */
  readonly reconnectionAttempts?: number
  /** Upper bound of the first delay; it doubles with each failure. The delay is random between 0 and the bound. @default 1000 */
  readonly reconnectionDelay?: number
  /** Largest upper bound. @default 20000 */
  readonly reconnectionDelayMax?: number
  /** Time for the link to open, and for a namespace to be answered. @default 20000 */
  readonly timeout?: number
  /** Whether to connect at once. @default true */
  readonly autoConnect?: boolean
  /** Headers of the upgrade request. Node.js only: browsers do not let pages set them. @default {} */
  readonly extraHeaders?: Readonly<Record<string, string>>
}

/** Options of one socket. */
export interface SocketOptions {
  /** Sent to the server's middleware and `handshake.auth`. @default none */
  readonly auth?: AuthOption
  /** Milliseconds until a call without an answer fails, where the call names none. @default 10000 */
  readonly ackTimeout?: number
  /** Events kept while not connected; what does not fit is refused with `OUTBOX_FULL`. @default 1000 */
  readonly outboxLimit?: number
  /** Bytes kept while not connected. @default 1048576 */
  readonly outboxBytes?: number
}

/** Options of `io()`. */
export interface ClientOptions extends ManagerOptions, SocketOptions {
  /** Whether to use a connection of its own. @default false */
  readonly forceNew?: boolean
  /** Whether namespaces of one server share a connection. @default true */
  readonly multiplex?: boolean
}

/** Options with the defaults filled in. */
export type ResolvedOptions = ManagerOptions &
  SocketOptions &
  Required<
    Pick<
      ClientOptions,
      | 'ackTimeout'
      | 'autoConnect'
      | 'outboxBytes'
      | 'outboxLimit'
      | 'path'
      | 'reconnection'
      | 'reconnectionAttempts'
      | 'reconnectionDelay'
      | 'reconnectionDelayMax'
      | 'timeout'
    >
  >

/** @throws RoomcastError `OPTION_NOT_SUPPORTED`, `INVALID_OPTION`. */
export function resolveOptions(options: ClientOptions): ResolvedOptions {
  if (options.transports !== undefined && !options.transports.includes('websocket')) {
    throw new RoomcastError('OPTION_NOT_SUPPORTED', 'transports has to include "websocket": this version has no other')
  }
  if ('retries' in options) {
    throw new RoomcastError('OPTION_NOT_SUPPORTED', 'option "retries": calls are not repeated in this version')
  }
  const resolved = {
    ackTimeout: LIMITS.ackTimeoutMs,
    autoConnect: true,
    outboxBytes: LIMITS.outboxBytes,
    outboxLimit: LIMITS.outboxEvents,
    path: '/roomcast',
    reconnection: true,
    reconnectionAttempts: Number.POSITIVE_INFINITY,
    reconnectionDelay: 1_000,
    reconnectionDelayMax: 20_000,
    timeout: 20_000,
    ...options,
  }
  for (const name of TIMES) assertRange(name, resolved[name], MAX_TIMER_MS)
  for (const name of COUNTS) assertRange(name, resolved[name], Number.POSITIVE_INFINITY)
  return resolved
}

/** A timer of a longer time fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1
const TIMES = ['ackTimeout', 'reconnectionDelay', 'reconnectionDelayMax', 'timeout'] as const
const COUNTS = ['outboxBytes', 'outboxLimit', 'reconnectionAttempts'] as const

function assertRange(name: string, value: number, max: number): void {
  if (!(value >= 0 && value <= max)) throw new RoomcastError('INVALID_OPTION', `${name} is ${value}, not 0 to ${max}`)
}
