import { LIMITS, RoomcastError, type ValueCodec } from '@roomcast/protocol'
import type { FaultHook } from '../observe/report'

/** The request that asks for a WebSocket, as hooks see it. */
export interface UpgradeRequest {
  readonly method: 'GET'
  /** Path and query. */
  readonly url: string
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** Address of the peer: the client, or the proxy before us. */
  readonly address: string
}

/** Which pages of other origins may connect. An origin is `scheme://host[:port]`, compared exactly. */
export type OriginRule = RegExp | boolean | string | readonly (RegExp | string)[]

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
export interface ServerOptions {
  /** Where Roomcast lives on the port. @default '/roomcast' */
  readonly path?: string
  /** Whether to serve the browser client at `{path}/client.js` and `{path}/client.mjs`. @default true */
  readonly serveClient?: boolean
  /** Milliseconds a connection may stay without a namespace. @default 5000 */
  readonly connectTimeout?: number
  /** Largest frame a client may send, in bytes; announced to it. @default 1048576 */
  readonly maxHttpBufferSize?: number
  /** Milliseconds of silence until the server asks for a sign of life. @default 5000 */
  readonly pingInterval?: number
  /**
   * Milliseconds a client has for it. Together with `pingInterval` 8,000 to 960,000, rounded up to whole
   * periods of the engine's 4 s timer. @default 5000
   */
  readonly pingTimeout?: number
  /** Milliseconds until a call without an answer fails, where the call names none. @default 10000 */
  readonly ackTimeout?: number
  /**
   * Bytes a client may have outstanding, beyond what the kernel has taken, before it is cut off as too
   * slow. Nothing is dropped before. 0 is refused: the engine would take it for "without limit".
   * @default 1048576
   */
  readonly maxOutgoingBytes?: number
  /**
   * Which pages may connect: `true` or '*' any, a string or list exact origins, a RegExp those it matches.
   * Without it only pages of the server's own host. Requests without an Origin header do not come from a page and pass.
   */
  readonly cors?: { readonly origin?: OriginRule }
  /**
   * Accepts or refuses a connection before it is opened: calls back with `(error, isAccepted)`, or returns a
   * promise of a boolean. A throw refuses. @default accepts
   */
  readonly allowRequest?: (
    request: UpgradeRequest,
    callback: (error: string | null | undefined, isAccepted: boolean) => void,
  ) => Promise<boolean> | void
  /** Whether an empty namespace made by a pattern is removed. @default true */
  readonly cleanupEmptyChildNamespaces?: boolean
  /**
   * Compression of frames to clients that offer it. Costs CPU for each receiver.
   * `threshold`: bytes below which a frame goes as it is, 1024 by default. @default false
   */
  readonly perMessageDeflate?: boolean | { readonly threshold?: number }
  /** Transports to offer; this version has WebSocket. @default ['websocket'] */
  readonly transports?: readonly string[]
  /** Serves TLS (https and wss) with these files. @default none */
  readonly tls?: TlsOptions
  /** Largest body of a request to a handler of `io.http`, in bytes. @default 1048576 */
  readonly maxRequestBodyBytes?: number
  /** The module uWebSockets.js to use instead of the bundled one. */
  readonly uws?: unknown
  /** How values become bytes. @default the compact codec */
  readonly codec?: ValueCodec
  /** Told of errors that handlers and listeners throw. @default prints them */
  readonly onError?: FaultHook
}

/** {@link ServerOptions} with every number filled in and checked. */
export interface ResolvedServerOptions extends ServerOptions {
  readonly path: string
  readonly serveClient: boolean
  readonly connectTimeout: number
  readonly maxHttpBufferSize: number
  readonly ackTimeout: number
  readonly maxOutgoingBytes: number
  readonly cleanupEmptyChildNamespaces: boolean
  readonly maxRequestBodyBytes: number
  /** Seconds for the engine's idle timeout, 0 or 8 to 960. */
  readonly idleTimeoutSeconds: number
  readonly compression: { readonly isOn: boolean; readonly thresholdBytes: number }
}

/** Options of Socket.IO that mean nothing here, and what to do instead. */
const NOT_SUPPORTED: Readonly<Record<string, string>> = {
  adapter: 'rooms live in the engine; leave the option out',
  allowEIO3: 'clients of Engine.IO 3 speak another protocol; use @roomcast/client',
  allowUpgrades: 'there is one transport, WebSocket; leave the option out',
  connectionStateRecovery: 'sessions are not resumed in this version; leave the option out',
  cookie: 'no cookie is set; leave the option out',
  httpCompression: 'use a proxy, or compress in the handler given to io.http()',
  initialPacket: 'emit an event in the connection handler',
  parser: 'values are MessagePack; see the option `codec`',
  upgradeTimeout: 'there is one transport, WebSocket; leave the option out',
  wsEngine: 'the engine is uWebSockets.js; see the option `uws`',
}

const KNOWN: ReadonlySet<string> = new Set<keyof ServerOptions>([
  'ackTimeout',
  'allowRequest',
  'cleanupEmptyChildNamespaces',
  'codec',
  'connectTimeout',
  'cors',
  'maxHttpBufferSize',
  'maxOutgoingBytes',
  'maxRequestBodyBytes',
  'onError',
  'path',
  'perMessageDeflate',
  'pingInterval',
  'pingTimeout',
  'serveClient',
  'tls',
  'transports',
  'uws',
])

/**
 * Checks the options and fills in the defaults.
 *
 * @throws RoomcastError `OPTION_NOT_SUPPORTED`, `INVALID_OPTION`.
 */
export function resolveServerOptions(options: ServerOptions): ResolvedServerOptions {
  assertNames(options)
  const { pingInterval = 5_000, pingTimeout = 5_000, perMessageDeflate = false, transports = ['websocket'] } = options
  if (!transports.includes('websocket')) {
    throw new RoomcastError('OPTION_NOT_SUPPORTED', 'transports has to include "websocket": this version has no other')
  }
  inRange('pingInterval', pingInterval, 0, 960_000)
  inRange('pingTimeout', pingTimeout, 0, 960_000)
  inRange('pingInterval + pingTimeout', pingInterval + pingTimeout, 8_000, 960_000)
  const thresholdBytes = (typeof perMessageDeflate === 'object' ? perMessageDeflate.threshold : undefined) ?? 1_024
  inRange('perMessageDeflate.threshold', thresholdBytes, 0, 2 ** 31 - 1)
  return {
    ...options,
    path: normalizePath(options.path ?? '/roomcast'),
    serveClient: options.serveClient ?? true,
    connectTimeout: inRange('connectTimeout', options.connectTimeout ?? LIMITS.connectTimeoutMs, 1, 2 ** 31 - 1),
    maxHttpBufferSize: inRange('maxHttpBufferSize', options.maxHttpBufferSize ?? LIMITS.frameBytes, 1_024, 2 ** 29),
    ackTimeout: inRange('ackTimeout', options.ackTimeout ?? LIMITS.ackTimeoutMs, 1, 2 ** 31 - 1),
    maxOutgoingBytes: inRange('maxOutgoingBytes', options.maxOutgoingBytes ?? LIMITS.outgoingBytes, 1_024, 2 ** 31 - 1),
    maxRequestBodyBytes: inRange('maxRequestBodyBytes', options.maxRequestBodyBytes ?? 1_048_576, 0, 2 ** 31 - 1),
    cleanupEmptyChildNamespaces: options.cleanupEmptyChildNamespaces ?? true,
    // The engine's timer has periods of 4 s, and ends the process for values it does not like.
    idleTimeoutSeconds: Math.ceil((pingInterval + pingTimeout) / 4_000) * 4,
    compression: { isOn: perMessageDeflate !== false, thresholdBytes },
  }
}

function assertNames(options: object): void {
  for (const name of Object.keys(options)) {
    const instead = Object.hasOwn(NOT_SUPPORTED, name) ? NOT_SUPPORTED[name] : undefined
    if (instead !== undefined) throw new RoomcastError('OPTION_NOT_SUPPORTED', `option "${name}": ${instead}`)
    if (!KNOWN.has(name)) throw new RoomcastError('INVALID_OPTION', `there is no option "${name}"`)
  }
}

function inRange(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new RoomcastError('INVALID_OPTION', `${name} is ${value}; it has to be an integer from ${min} to ${max}`)
}

function normalizePath(path: unknown): string {
  if (typeof path !== 'string') throw new RoomcastError('INVALID_OPTION', `path is a ${typeof path}, not a string`)
  const trimmed = path.replace(/\/+$/, '')
  if (/^(\/[\w.~-]+)+$/.test(trimmed)) return trimmed
  throw new RoomcastError('INVALID_OPTION', `path "${path.slice(0, 100)}" has to look like "/roomcast"`)
}
