import { CLOSE_CODES, CLOSE_MEANINGS, callListener, isThenable } from '@roomcast/protocol'
import type { Runtime } from '../api/runtime'
import type { AnySocket } from '../api/socket'
import { type CloseInfo, Connection } from '../connection/connection'
import { type HandshakeSource, packHeaders, unpackHeaders } from '../connection/handshake'
import type { Deadline } from '../connection/timing-wheel'
import type { Receiver } from '../ingress/receive'
import type { ResolvedServerOptions, UpgradeRequest } from '../options/server-options'
import { type Admission, admitUpgrade, type Refusal } from './admission'
import type { EngineApp, EngineBehavior, EngineWebSocket } from './engine-types'
import { HttpExchange } from './http-exchange'
import { isSameHost } from './origin-policy'
import { UwsWire } from './uws-wire'

/** What the engine keeps with each WebSocket. */
interface SocketData {
  /** null for a client that shares no protocol version: it is closed as soon as it is open. */
  readonly connection: Connection<AnySocket> | null
}

/** Told of each request that was not admitted. */
export type RefusalListener = (refusal: Refusal, request: UpgradeRequest) => void

/**
 * The engine closes a longer message by itself, without a code. Twice the limit leaves room to answer a
 * message that is a little too long with its code.
 */
const HARD_LIMIT_FACTOR = 2

/** Means nothing once the link is open, and would make every block of headers longer. RFC 6455 section 4.1. */
const NONCE_HEADER = 'sec-websocket-key'

/** The client did not take what it was sent. */
const TOO_SLOW = 'more than maxOutgoingBytes outstanding'

/** The WebSocket route: upgrade requests become connections, messages go to the receiver. */
export class WebSocketTransport {
  /** All open connections. */
  readonly connections = new Set<Connection<AnySocket>>()
  private isClosing = false
  private readonly usualUrl: string

  constructor(
    private readonly options: ResolvedServerOptions,
    private readonly runtime: Runtime,
    private readonly receiver: Receiver,
    private readonly onRefusal: RefusalListener,
  ) {
    this.usualUrl = `${options.path}/ws`
  }

  /** Adds the route to the engine's app. */
  register(app: EngineApp, engine: { readonly SHARED_COMPRESSOR?: number }): void {
    const { options, runtime, receiver } = this
    const behavior: EngineBehavior<SocketData> = {
      compression: options.compression.isOn ? (engine.SHARED_COMPRESSOR ?? 0) : 0,
      // The engine's own way of handling a slow client is to leave out messages without a word.
      closeOnBackpressureLimit: true,
      maxBackpressure: options.maxOutgoingBytes,
      maxPayloadLength: options.maxHttpBufferSize * HARD_LIMIT_FACTOR,
      idleTimeout: options.idleTimeoutSeconds,
      sendPingsAutomatically: true,
      upgrade: (res, req, context) => {
        const exchange = new HttpExchange(res, req)
        // Nothing may throw out of a handler: the engine would abort the process.
        this.upgrade(exchange, context).catch((error: unknown) => {
          runtime.reportFault(error, { where: 'http handler', name: exchange.url })
          exchange.endAndClose('500 Internal Server Error', 'internal error')
        })
      },
      open: (ws) => this.open(ws),
      message: (ws, message, isBinary) => {
        const { connection } = ws.getUserData()
        if (connection === null) return
        runtime.turn.enterCallback(connection.port)
        try {
          if (isBinary) receiver.receive(connection, new Uint8Array(message))
          else receiver.receiveText(connection)
        } finally {
          runtime.turn.leaveCallback()
        }
      },
      dropped: (ws) => {
        // The close follows at once; the engine would report it as if the client had left.
        ws.getUserData().connection?.expectClose({ reason: 'transport error', code: 1006, message: TOO_SLOW })
      },
      close: (ws, code, message) => this.close(ws.getUserData().connection, code, message),
    }
    app.ws(this.usualUrl, behavior)
  }

  /** Closes every connection; new ones are refused from now on. */
  closeAll(): void {
    this.isClosing = true
    for (const connection of [...this.connections]) {
      for (const socket of connection.members()) socket.endNamespace('server shutting down', false)
      this.runtime.turn.flush()
      connection.end('SERVER_SHUTDOWN', 'server shutting down')
    }
  }

  private async upgrade(exchange: HttpExchange, context: unknown): Promise<void> {
    const { options } = this
    if (exchange.hasRepeatedLength) return exchange.destroy()
    const admission = admitUpgrade({ header: (name) => exchange.header(name), originRule: options.cors?.origin })
    if (admission.kind === 'refused') return this.refuse(exchange, admission.refusal)
    if (this.isClosing) {
      const message = 'the server is shutting down'
      return this.refuse(exchange, { status: '503 Service Unavailable', code: 'REQUEST_REFUSED', message })
    }
    if (options.allowRequest !== undefined) {
      const reason = await this.askAllowRequest(options.allowRequest, toUpgradeRequest(exchange))
      if (reason !== null) {
        return this.refuse(exchange, { status: '403 Forbidden', code: 'REQUEST_REFUSED', message: reason })
      }
    }
    this.accept(exchange, context, admission)
  }

  private accept(
    exchange: HttpExchange,
    context: unknown,
    { key, negotiation }: Admission & { kind: 'admitted' },
  ): void {
    const origin = exchange.header('origin')
    const source: HandshakeSource = {
      headerBlock: packHeaders(exchange.headers.filter(([name]) => name !== NONCE_HEADER)),
      // Nearly all clients ask for the same URL: one string for them.
      url: exchange.url === this.usualUrl ? this.usualUrl : exchange.url,
      address: exchange.address,
      secure: this.options.tls !== undefined,
      xdomain: origin !== undefined && !isSameHost(origin, exchange.header('host') ?? ''),
      issued: Date.now(),
    }
    const data: SocketData = { connection: negotiation.kind === 'accept' ? new Connection(source) : null }
    const extensions = exchange.header('sec-websocket-extensions') ?? ''
    exchange.upgrade(data, key, negotiation.subprotocol, extensions, context)
  }

  private refuse(exchange: HttpExchange, refusal: Refusal): void {
    const body = JSON.stringify({ code: refusal.code, message: refusal.message })
    exchange.end(
      refusal.status,
      [
        ['content-type', 'application/json'],
        ['cache-control', 'no-store'],
      ],
      body,
    )
    this.onRefusal(refusal, toUpgradeRequest(exchange))
  }

  /** @returns null if the hook accepts, else the reason for the client. */
  private askAllowRequest(
    hook: NonNullable<ResolvedServerOptions['allowRequest']>,
    request: UpgradeRequest,
  ): Promise<string | null> {
    const refused = 'the connection was refused'
    return new Promise((resolve) => {
      const callback = (error: string | null | undefined, isAccepted: boolean) =>
        resolve(isAccepted && !error ? null : error || refused)
      const ask = () => {
        const result = hook(request, callback)
        return isThenable(result) ? result.then((isAccepted) => callback(null, isAccepted)) : undefined
      }
      callListener(ask, undefined, [], (error) => {
        this.runtime.reportFault(error, { where: 'http handler', name: 'allowRequest' })
        resolve(refused)
      })
    })
  }

  private open(ws: EngineWebSocket<SocketData>): void {
    const { connection } = ws.getUserData()
    if (connection === null) {
      ws.end(CLOSE_CODES.UNSUPPORTED_VERSION.code, CLOSE_MEANINGS.UNSUPPORTED_VERSION)
      return
    }
    connection.port = new UwsWire(ws, this.options.compression)
    this.connections.add(connection)
    if (this.isClosing) return connection.end('SERVER_SHUTDOWN', 'server shutting down')
    const deadline: Deadline = {
      slot: null,
      dueAt: 0,
      expire: () => connection.end('CONNECT_TIMEOUT', 'forced server close'),
    }
    connection.connectDeadline = deadline
    this.runtime.wheel.schedule(deadline, this.options.connectTimeout)
  }

  private close(connection: Connection<AnySocket> | null, code: number, message: ArrayBuffer): void {
    if (connection === null) return
    this.connections.delete(connection)
    const info = connection.onClosed(readClose(code, message))
    if (connection.connectDeadline !== null) this.runtime.wheel.cancel(connection.connectDeadline)
    // The buffer above is gone when this callback ends; what follows may run later.
    this.runtime.turn.whenIdle(() => {
      const details = { code: info.code, message: info.message }
      for (const socket of connection.members()) socket.endNamespace(info.reason, false, details)
    })
  }
}

/** The engine's words for ends that have no close frame. */
function readClose(code: number, message: ArrayBuffer): CloseInfo {
  const text = Buffer.from(message).toString('utf8').slice(0, 123)
  if (code !== CLOSE_CODES.ABNORMAL.code) return { reason: 'transport close', code, message: text }
  if (text === '' || /FIN/.test(text)) return { reason: 'transport close', code, message: text }
  if (/timed out/.test(text)) return { reason: 'ping timeout', code, message: text }
  return { reason: 'transport error', code, message: text }
}

function toUpgradeRequest(exchange: HttpExchange): UpgradeRequest {
  return {
    method: 'GET',
    url: exchange.url,
    headers: unpackHeaders(packHeaders(exchange.headers)),
    address: exchange.address,
  }
}
