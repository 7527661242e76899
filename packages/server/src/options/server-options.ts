import { type DefaultUser, LIMITS, type PublicUser, RoomcastError, type ValueCodec } from '@roomcast/protocol'
import type { FaultHook } from '../observe/report'
import { type CorsOptions, type ResolvedCorsOptions, resolveCorsOptions } from './cors-options'
import { type InboundOptions, type ResolvedInboundOptions, resolveInboundOptions } from './inbound-options'
import { type PeopleOptions, type ResolvedPeopleOptions, resolvePeopleOptions } from './people-options'
import { type ProxyNetworks, resolveTrustedProxies } from './proxy-options'
import { inRange } from './ranges'
import { type RecoveryOptions, type ResolvedRecovery, resolveRecovery } from './room-options'

/** A way to reach the server. */
export type Transport = 'polling' | 'websocket'

/** The request that asks for a connection, as hooks see it. */
export interface UpgradeRequest {
  /** GET asks for a WebSocket, POST for a polling session. */
  readonly method: 'GET' | 'POST'
  /** Path and query. */
  readonly url: string
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** Address of the client: as {@link ServerOptions.trustedProxies} tell it, else that of the peer. */
  readonly address: string
}

/** Certificate and key files. */
export interface TlsOptions {
  /** Path of the private key, PEM. */
  readonly keyFile: string
  /** Path of the certificate chain, PEM. */
  readonly certFile: string
  /** Path of the authorities that client certificates are checked against, PEM. @default none */
  readonly caFile?: string
  /** Of the private key. @default none */
  readonly passphrase?: string
}

/** Options of a {@link Server}. Names and meanings are Socket.IO's where it has the option. */
export interface ServerOptions<User extends PublicUser = DefaultUser> extends PeopleOptions<User>, InboundOptions {
  /** Where Roomcast lives on the port. @default '/roomcast' */
  readonly path?: string
  /** Whether to serve the browser client at `{path}/client.js` and `{path}/client.mjs`. @default true */
  readonly serveClient?: boolean
  /** Milliseconds a connection may stay without a namespace. @default 5000 */
  readonly connectTimeout?: number
  /** Largest frame a client may send, in bytes; announced to it. @default 1048576 */
  readonly maxHttpBufferSize?: number
  /** Milliseconds of silence until a side asks for a sign of life, from 100; announced to clients. @default 5000 */
  readonly pingInterval?: number
  /**
   * Milliseconds the other side has for it, from 100; announced to clients. A client that is gone without a word is
   * found within both together, at most 960,000. On WebSocket that is rounded down to whole periods of the engine's 4 s
   * timer, and to no less than 8,000. @default 5000
   */
  readonly pingTimeout?: number
  /** Milliseconds until a call without an answer fails, where the call names none. @default 10000 */
  readonly ackTimeout?: number
  /**
   * Bytes that one client may have outstanding before it is cut off as too slow (close code 4010): what it has not confirmed, and what waits for it
   * here. Nothing is dropped before but what is volatile, or replaced by a newer value. One frame may be larger. See `conn.congestion` and `conn.drained()`. From 1024.
   * @default 1048576
   */
  readonly maxOutgoingBytes?: number
  /** Which pages of other origins may connect, and how. @default only pages of the server's own host */
  readonly cors?: CorsOptions
  /**
   * Accepts or refuses a connection before it is opened: calls back with `(error, isAccepted)`, or returns a
   * promise of a boolean. A throw refuses. @default accepts
   */
  readonly allowRequest?: (
    request: UpgradeRequest,
    callback: (error: string | null | undefined, isAccepted: boolean) => void,
  ) => Promise<boolean> | void
  /**
   * Polling sessions at once. When there are as many, a new one takes the place of the oldest that has no namespace yet, or is
   * refused with `TOO_MANY_SESSIONS`. @default 10000
   */
  readonly maxPollSessions?: number
  /** Whether an empty namespace made by a pattern is removed. @default true */
  readonly cleanupEmptyChildNamespaces?: boolean
  /**
   * Compression of frames to clients that offer it. Costs CPU for each receiver.
   * `threshold`: bytes below which a frame goes as it is, 1024 by default. @default false
   */
  readonly perMessageDeflate?: boolean | { readonly threshold?: number }
  /** Transports to offer, in any order. Requests for another are refused. @default ['polling', 'websocket'] */
  readonly transports?: readonly Transport[]
  /** Whether a connection may move from polling to a WebSocket. @default true */
  readonly allowUpgrades?: boolean
  /**
   * Milliseconds that such a move may take, from the first frame on the WebSocket to the next; then the WebSocket is
   * closed, and the connection stays with polling. @default 10000
   */
  readonly upgradeTimeout?: number
  /**
   * Proxies before this server: addresses, and networks as in `10.0.0.0/8` or `fd00::/8`. Where a request comes from one of
   * them, `handshake.address` is the last address in its `X-Forwarded-For`, read from the right, that is not one of them.
   * Every other client could write that header as it likes: list nothing but proxies that add to it, or overwrite it. Without
   * the option the header means nothing. A network of 0 bits is refused. @default none
   */
  readonly trustedProxies?: readonly string[]
  /** Serves TLS (https and wss) with these files. @default none */
  readonly tls?: TlsOptions
  /** Largest body of a request to a handler of `io.http`, in bytes. @default 1048576 */
  readonly maxRequestBodyBytes?: number
  /**
   * Keeps the session of a socket whose link was lost: id, rooms, `data` (a copy, as it can be sent) and the messages that were missed. true for the
   * defaults. @default false
   */
  readonly connectionStateRecovery?: RecoveryOptions | boolean
  /**
   * Memory for the messages that rooms and sessions keep, in bytes; what needs to be kept besides the messages is counted. When it is full the
   * oldest go, whichever room they are of. @default 67108864
   */
  readonly maxHistoryBytes?: number
  /** The module uWebSockets.js to use instead of the bundled one. */
  readonly uws?: unknown
  /** @internal What several processes share. @default in the memory of this process */
  readonly engine?: unknown
  /** How values become bytes. @default the compact codec */
  readonly codec?: ValueCodec
  /** Told of errors that handlers and listeners throw. @default prints them */
  readonly onError?: FaultHook
}

/** {@link ServerOptions} with every number filled in and checked. */
export interface ResolvedServerOptions
  extends Omit<
    ServerOptions,
    'connectionStateRecovery' | 'cors' | 'trustedProxies' | keyof InboundOptions | keyof PeopleOptions
  > {
  readonly path: string
  readonly serveClient: boolean
  readonly connectTimeout: number
  readonly maxHttpBufferSize: number
  readonly ackTimeout: number
  readonly maxOutgoingBytes: number
  readonly maxPollSessions: number
  readonly cleanupEmptyChildNamespaces: boolean
  readonly maxRequestBodyBytes: number
  readonly pingInterval: number
  readonly pingTimeout: number
  readonly transports: readonly Transport[]
  readonly allowUpgrades: boolean
  readonly upgradeTimeout: number
  readonly cors: ResolvedCorsOptions
  readonly inbound: ResolvedInboundOptions
  readonly people: ResolvedPeopleOptions
  /** null keeps no sessions. */
  readonly recovery: ResolvedRecovery | null
  readonly maxHistoryBytes: number
  /** null trusts nobody. */
  readonly trustedProxies: ProxyNetworks | null
  /** Seconds for the engine's idle timeout, 8 to 960. */
  readonly idleTimeoutSeconds: number
  readonly compression: { readonly isOn: boolean; readonly thresholdBytes: number }
}

/** Options of Socket.IO that mean nothing here, and what to do instead. */
const NOT_SUPPORTED: Readonly<Record<string, string>> = {
  adapter: 'rooms live in the engine; leave the option out',
  allowEIO3: 'clients of Engine.IO 3 speak another protocol; use @roomcast/client',
  cookie: 'no cookie is set; leave the option out',
  httpCompression: 'use a proxy, or compress in the handler given to io.http()',
  initialPacket: 'emit an event in the connection handler',
  parser: 'values are MessagePack; see the option `codec`',
  wsEngine: 'the engine is uWebSockets.js; see the option `uws`',
}

/** Below it clients and server would do little but ask each other. */
const SHORTEST_PING_MS = 100
/** The longest that the engine can wait. */
const LONGEST_SILENCE_MS = 960_000

const KNOWN: ReadonlySet<string> = new Set<keyof ServerOptions>([
  'ackTimeout',
  'allowAnonymous',
  'allowRequest',
  'allowUpgrades',
  'cleanupEmptyChildNamespaces',
  'codec',
  'concurrency',
  'connectTimeout',
  'connectionStateRecovery',
  'cors',
  'engine',
  'handlerTimeout',
  'handshakeLimits',
  'login',
  'loginLimits',
  'loginTimeout',
  'maxConnections',
  'maxConnectionsPerAddress',
  'maxHistoryBytes',
  'maxHttpBufferSize',
  'maxOutgoingBytes',
  'maxPollSessions',
  'maxRequestBodyBytes',
  'maxSessionsPerUser',
  'names',
  'onError',
  'path',
  'perMessageDeflate',
  'pingInterval',
  'pingTimeout',
  'presence',
  'rateLimits',
  'serveClient',
  'sessions',
  'tls',
  'transports',
  'trustedProxies',
  'upgradeTimeout',
  'uws',
])

/**
 * Checks the options and fills in the defaults.
 *
 * @throws RoomcastError `OPTION_NOT_SUPPORTED`, `INVALID_OPTION`.
 */
// biome-ignore lint/suspicious/noExplicitAny: variance: options for any users have to fit
export function resolveServerOptions(options: ServerOptions<any>): ResolvedServerOptions {
  assertNames(options)
  const { pingInterval = LIMITS.pingIntervalMs, pingTimeout = LIMITS.pingTimeoutMs } = options
  const { perMessageDeflate = false, allowUpgrades = true } = options
  inRange('pingInterval', pingInterval, SHORTEST_PING_MS, LONGEST_SILENCE_MS)
  inRange('pingTimeout', pingTimeout, SHORTEST_PING_MS, LONGEST_SILENCE_MS)
  inRange('pingInterval + pingTimeout', pingInterval + pingTimeout, 0, LONGEST_SILENCE_MS)
  if (typeof allowUpgrades !== 'boolean') {
    throw new RoomcastError('INVALID_OPTION', `allowUpgrades is ${allowUpgrades}; it has to be a boolean`)
  }
  const connectTimeout = inRange('connectTimeout', options.connectTimeout ?? LIMITS.connectTimeoutMs, 1, 2 ** 31 - 1)
  const ackTimeout = inRange('ackTimeout', options.ackTimeout ?? LIMITS.ackTimeoutMs, 1, 2 ** 31 - 1)
  const thresholdBytes = (typeof perMessageDeflate === 'object' ? perMessageDeflate.threshold : undefined) ?? 1_024
  inRange('perMessageDeflate.threshold', thresholdBytes, 0, 2 ** 31 - 1)
  return {
    ...options,
    path: normalizePath(options.path ?? '/roomcast'),
    serveClient: options.serveClient ?? true,
    connectTimeout,
    maxHttpBufferSize: inRange('maxHttpBufferSize', options.maxHttpBufferSize ?? LIMITS.frameBytes, 1_024, 2 ** 29),
    ackTimeout,
    maxOutgoingBytes: inRange('maxOutgoingBytes', options.maxOutgoingBytes ?? LIMITS.outgoingBytes, 1_024, 2 ** 31 - 1),
    maxPollSessions: inRange('maxPollSessions', options.maxPollSessions ?? LIMITS.pollSessions, 1, 2 ** 31 - 1),
    maxRequestBodyBytes: inRange('maxRequestBodyBytes', options.maxRequestBodyBytes ?? 1_048_576, 0, 2 ** 31 - 1),
    cleanupEmptyChildNamespaces: options.cleanupEmptyChildNamespaces ?? true,
    pingInterval,
    pingTimeout,
    transports: resolveTransports(options.transports ?? ['polling', 'websocket']),
    allowUpgrades,
    upgradeTimeout: inRange('upgradeTimeout', options.upgradeTimeout ?? LIMITS.switchTimeoutMs, 1, 2 ** 31 - 1),
    cors: resolveCorsOptions(options.cors),
    inbound: resolveInboundOptions(options, ackTimeout),
    people: resolvePeopleOptions(options, connectTimeout),
    recovery: resolveRecovery(options.connectionStateRecovery),
    maxHistoryBytes: inRange('maxHistoryBytes', options.maxHistoryBytes ?? LIMITS.historyBytesOfAll, 65_536, 2 ** 40),
    trustedProxies: resolveTrustedProxies(options.trustedProxies),
    // The engine's timer has periods of 4 s, and ends the process for values it does not like. Down: who is gone is to
    // be found within the two.
    idleTimeoutSeconds: Math.max(8, Math.floor((pingInterval + pingTimeout) / 4_000) * 4),
    compression: { isOn: perMessageDeflate !== false, thresholdBytes },
  }
}

function resolveTransports(transports: readonly Transport[]): readonly Transport[] {
  if (!Array.isArray(transports) || transports.length === 0) {
    throw new RoomcastError('INVALID_OPTION', 'transports has to be a list with "polling", "websocket" or both')
  }
  for (const name of transports as readonly unknown[]) {
    if (name === 'polling' || name === 'websocket') continue
    throw new RoomcastError('OPTION_NOT_SUPPORTED', `transports has "${name}"; there are "polling" and "websocket"`)
  }
  return transports
}

function assertNames(options: object): void {
  for (const name of Object.keys(options)) {
    const instead = Object.hasOwn(NOT_SUPPORTED, name) ? NOT_SUPPORTED[name] : undefined
    if (instead !== undefined) throw new RoomcastError('OPTION_NOT_SUPPORTED', `option "${name}": ${instead}`)
    if (!KNOWN.has(name)) throw new RoomcastError('INVALID_OPTION', `there is no option "${name}"`)
  }
}

function normalizePath(path: unknown): string {
  if (typeof path !== 'string') throw new RoomcastError('INVALID_OPTION', `path is a ${typeof path}, not a string`)
  const trimmed = path.replace(/\/+$/, '')
  if (/^(\/[\w.~-]+)+$/.test(trimmed)) return trimmed
  throw new RoomcastError('INVALID_OPTION', `path "${path.slice(0, 100)}" has to look like "/roomcast"`)
}
