import { RoomcastError } from '@roomcast/protocol'
import { ACK_TIMEOUT_MS, MAX_TIMER_MS, OUTBOX_AGE_MS, OUTBOX_BYTES, OUTBOX_EVENTS } from './tables'

/** A way to carry a connection. */
export type TransportName = 'polling' | 'websocket'

/**
 * Asked at each attempt, and again before a login ends; calls back with the credentials. If it throws or rejects it is asked
 * again, after a while: `connect_error` with `AUTH_FAILED`. A RoomcastError of its own ends the attempts, unless its `data`
 * has `retryAfterMs`. It has to be done within the server's `connectTimeout`, 5 s by default: ask people before connecting.
 */
export type AuthFunction = (callback: (auth: object) => void) => unknown

/** What the client proves itself with: an object, or a function that is asked for one. */
export type AuthOption = AuthFunction | object

/** Options of a connection; the first `io()` for a server decides. Names are Socket.IO's. Times are milliseconds. */
export interface ManagerOptions {
  /** Where Roomcast lives on the server. @default '/roomcast' */
  readonly path?: string
  /** Added to the URL of the connection. Not for secrets: URLs are logged; use `auth`. @default {} */
  readonly query?: Readonly<Record<string, string>>
  /**
   * Transports to use, in the order in which they are tried: the second begins 2.5 s after the first (or half of
   * `timeout`, if that is less), or when that has failed. What won by polling is remembered for an hour, on this device. @default ['websocket', 'polling']
   */
  readonly transports?: readonly string[]
  /** Whether a WebSocket takes over from polling when it gets through. @default true */
  readonly upgrade?: boolean
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
  /**
   * Headers of the requests. Browsers send them with polling only; to another origin only if the server's option
   * `cors.allowedHeaders` has them. @default {}
   */
  readonly extraHeaders?: Readonly<Record<string, string>>
  /** Whether polling requests to another origin carry cookies; needs the server's `cors.credentials`. @default false */
  readonly withCredentials?: boolean
}

/** Options of one socket. */
export interface SocketOptions {
  /** Sent to the server's login, its middleware and `handshake.auth`. @default none */
  readonly auth?: AuthOption
  /** Milliseconds until a call without an answer fails, where the call names none. @default 10000 */
  readonly ackTimeout?: number
  /**
   * Events kept while not connected, and those with `retries` or `idempotent` that are not answered; what does not fit is refused with
   * `OUTBOX_FULL`. @default 1000
   */
  readonly outboxLimit?: number
  /** Bytes kept while not connected. @default 1048576 */
  readonly outboxBytes?: number
  /** Milliseconds that an event waits at most; then it fails with `OUTBOX_EXPIRED`. @default 120000 */
  readonly outboxAge?: number
  /**
   * Times that an event which was not answered within `ackTimeout`, or whose link was lost, is sent again. Handlers have to answer, by
   * ack or returned value; one sees an event once, unless the server was restarted meanwhile. Up to 256 are on their way at once, in
   * order; volatile events are not repeated, and none that is 120 s old. For single events see `socket.idempotent`. @default 0
   */
  readonly retries?: number
}

/** Options of `io()`. */
export interface ClientOptions extends ManagerOptions, SocketOptions {
  /** Whether to use a connection of its own. @default false */
  readonly forceNew?: boolean
  /** Whether namespaces of one server share a connection. @default true */
  readonly multiplex?: boolean
}

/** Options with the defaults filled in. */
export type ResolvedOptions = Omit<ManagerOptions, 'transports'> &
  SocketOptions &
  Required<
    Pick<
      ClientOptions,
      | 'ackTimeout'
      | 'autoConnect'
      | 'outboxAge'
      | 'outboxBytes'
      | 'outboxLimit'
      | 'path'
      | 'reconnection'
      | 'reconnectionAttempts'
      | 'reconnectionDelay'
      | 'reconnectionDelayMax'
      | 'retries'
      | 'timeout'
      | 'upgrade'
    >
  > & { readonly transports: readonly TransportName[] }

/** @throws RoomcastError `OPTION_NOT_SUPPORTED`, `INVALID_OPTION`. */
export function resolveOptions(options: ClientOptions): ResolvedOptions {
  const resolved = {
    ackTimeout: ACK_TIMEOUT_MS,
    autoConnect: true,
    outboxAge: OUTBOX_AGE_MS,
    outboxBytes: OUTBOX_BYTES,
    outboxLimit: OUTBOX_EVENTS,
    path: '/roomcast',
    reconnection: true,
    reconnectionAttempts: Number.POSITIVE_INFINITY,
    reconnectionDelay: 1_000,
    reconnectionDelayMax: 20_000,
    retries: 0,
    timeout: 20_000,
    transports: TRANSPORTS as readonly string[],
    upgrade: true,
    ...options,
  }
  for (const name of TIMES) assertRange(name, resolved[name], MAX_TIMER_MS)
  for (const name of COUNTS) assertRange(name, resolved[name], Number.POSITIVE_INFINITY)
  const transports = [...new Set(resolved.transports)]
  if (transports.length === 0 || !transports.every(isTransport)) {
    throw new RoomcastError('OPTION_NOT_SUPPORTED', 'transports is a list of websocket and polling')
  }
  return { ...resolved, transports }
}

const TRANSPORTS: readonly TransportName[] = ['websocket', 'polling']

const TIMES = ['ackTimeout', 'reconnectionDelay', 'reconnectionDelayMax', 'timeout'] as const
const COUNTS = ['outboxAge', 'outboxBytes', 'outboxLimit', 'reconnectionAttempts', 'retries'] as const

function isTransport(name: string): name is TransportName {
  return TRANSPORTS.includes(name as TransportName)
}

function assertRange(name: string, value: number, max: number): void {
  if (!(value >= 0 && value <= max)) throw new RoomcastError('INVALID_OPTION', `${name} is ${value}, not 0 to ${max}`)
}
