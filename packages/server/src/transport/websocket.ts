import { CLOSE_CODES, CLOSE_MEANINGS, MESSAGE_TYPES, TYPE_MASK } from '@roomcast/protocol'
import type { Runtime } from '../api/runtime'
import type { AnySocket } from '../api/socket'
import type { Soon } from '../cluster/engine'
import { Connection } from '../connection/connection'
import { attempt, soon } from '../delivery/soon'
import type { Receiver } from '../ingress/receive'
import type { ResolvedServerOptions } from '../options/server-options'
import { type Admission, admitUpgrade, type Refusal } from './admission'
import type { Connections } from './connections'
import { readClose } from './engine-close'
import type { EngineApp, EngineBehavior, EngineWebSocket } from './engine-types'
import { FlowClock } from './flow-clock'
import { HttpExchange } from './http-exchange'
import type { Reception } from './reception'
import type { SwitchAttempt } from './switch-attempt'
import type { Switching } from './switching'
import type { TopicTable } from './topic-table'
import { UwsWire } from './uws-wire'
import type { WireSettings } from './wire-settings'

/** What the engine keeps with each WebSocket. */
interface SocketData {
  /**
   * null for a client that shares no protocol version: it is closed as soon as it is open. Replaced by that of a polling
   * session that moves here.
   */
  connection: Connection<AnySocket> | null
  /** Whether nothing has come yet. */
  isFresh: boolean
  /** A session that moves here, until the move is complete; stays if it fails. */
  attempt: SwitchAttempt | null
}

/**
 * The engine closes a longer message by itself, without a code. Twice the limit leaves room to answer a
 * message that is a little too long with its code.
 */
const HARD_LIMIT_FACTOR = 2

/** More than a turn of the loop gathers. */
const ENGINE_LIMIT_BYTES = 4 * 1024 * 1024

/** The client did not take what it was sent. */
const TOO_SLOW = 'more than maxOutgoingBytes outstanding'

/** The WebSocket route: upgrade requests become connections, messages go to the receiver. */
export class WebSocketTransport {
  private readonly usualUrl: string
  private readonly settings: WireSettings

  constructor(
    private readonly options: ResolvedServerOptions,
    private readonly runtime: Runtime,
    private readonly receiver: Receiver,
    private readonly connections: Connections,
    private readonly reception: Reception,
    private readonly switching: Switching,
    topics: TopicTable,
  ) {
    this.usualUrl = `${options.path}/ws`
    const { codec, turn, wheel } = runtime
    const { compression } = options
    this.settings = {
      codec,
      compression,
      limits: runtime.flowLimits,
      topics,
      clock: new FlowClock(wheel),
      whenIdle: (action) => turn.whenIdle(action),
    }
  }

  /** Adds the route to the engine's app. */
  register(app: EngineApp, engine: { readonly SHARED_COMPRESSOR?: number }): void {
    const { options, runtime, receiver } = this
    const behavior: EngineBehavior<SocketData> = {
      compression: options.compression.isOn ? (engine.SHARED_COMPRESSOR ?? 0) : 0,
      // The engine's own way of handling a slow client is to leave out messages without a word. It should never come to this: see
      // `OutgoingFlow`. What it holds while a turn's messages are handed over may be more than the budget.
      closeOnBackpressureLimit: true,
      maxBackpressure: Math.max(options.maxOutgoingBytes, ENGINE_LIMIT_BYTES) * 2,
      maxPayloadLength: options.maxHttpBufferSize * HARD_LIMIT_FACTOR,
      idleTimeout: options.idleTimeoutSeconds,
      sendPingsAutomatically: true,
      upgrade: (res, req, context) => {
        const exchange = new HttpExchange(res, req)
        // Nothing may throw out of a handler: the engine would abort the process.
        attempt(
          () => this.upgrade(exchange, context),
          (error) => {
            runtime.reportFault(error, { where: 'http handler', name: exchange.url })
            exchange.endAndClose('500 Internal Server Error', 'internal error')
          },
        )
      },
      open: (ws) => this.open(ws),
      message: (ws, message, isBinary) => {
        const data = ws.getUserData()
        if (data.connection === null) return
        const frame = new Uint8Array(message)
        if ((data.isFresh || data.attempt !== null) && this.isOfSwitch(data, frame, isBinary)) return
        const { connection } = data
        runtime.turn.enterCallback(connection.port)
        try {
          if (isBinary) receiver.receive(connection, frame)
          else receiver.receiveText(connection)
        } finally {
          runtime.turn.leaveCallback()
        }
      },
      dropped: (ws) => {
        const data = ws.getUserData()
        // The close follows at once; the engine would report it as if the client had left.
        if (data.attempt === null)
          data.connection?.expectClose({ reason: 'transport error', code: 1006, message: TOO_SLOW })
      },
      pong: (ws, payload) => wireOf(ws.getUserData())?.confirm(payload),
      close: (ws, code, message) => this.close(ws.getUserData(), code, message),
    }
    app.ws(this.usualUrl, behavior)
  }

  private upgrade(exchange: HttpExchange, context: unknown): Soon<void> {
    if (exchange.hasRepeatedLength) return exchange.destroy()
    const admission = admitUpgrade({
      header: (name) => exchange.header(name),
      originRule: this.options.cors.origin,
      transports: this.options.transports,
    })
    if (admission.kind === 'refused') return this.refuse(exchange, admission.refusal)
    return soon(this.reception.ask(exchange), (answer) => {
      const refusal = answer ?? this.reception.lastWord(exchange)
      if (refusal !== null) this.refuse(exchange, refusal)
      else this.accept(exchange, context, admission)
    })
  }

  private accept(
    exchange: HttpExchange,
    context: unknown,
    { key, negotiation }: Admission & { kind: 'admitted' },
  ): void {
    const isAccepted = negotiation.kind === 'accept'
    const connection = isAccepted ? new Connection<AnySocket>(this.reception.source(exchange, this.usualUrl)) : null
    const data: SocketData = { connection, isFresh: true, attempt: null }
    const extensions = exchange.header('sec-websocket-extensions') ?? ''
    exchange.upgrade(data, key, negotiation.subprotocol, extensions, context)
  }

  private refuse(exchange: HttpExchange, refusal: Refusal): void {
    const { code, message, retryAfterMs } = refusal
    const body = JSON.stringify({ code, message, retryAfterMs })
    const headers = this.reception.refusalHeaders(refusal)
    this.reception.refuse(refusal, exchange, () =>
      exchange.end(
        refusal.status,
        [['content-type', 'application/json'], ['cache-control', 'no-store'], ...headers],
        body,
      ),
    )
  }

  private open(ws: EngineWebSocket<SocketData>): void {
    const { connection } = ws.getUserData()
    if (connection === null) {
      ws.end(CLOSE_CODES.UNSUPPORTED_VERSION, CLOSE_MEANINGS.UNSUPPORTED_VERSION)
      return
    }
    this.connections.add(connection, new UwsWire(ws, this.settings))
  }

  /** Handles a frame that begins or completes a move. @returns Whether that was all there is to it. */
  private isOfSwitch(data: SocketData, frame: Uint8Array, isBinary: boolean): boolean {
    const { connection, attempt, isFresh } = data
    // A client may see first whether anything gets through.
    data.isFresh = isFresh && isBinary && isPing(frame)
    if (attempt !== null) {
      const moved = attempt.complete()
      if (moved === null) return true
      data.connection = moved
      data.attempt = null
      // Last: a listener may emit, and what is sent is counted for the connection that the WebSocket carries.
      moved.events?.fire('upgrade', { name: 'websocket' })
      return false
    }
    if (!isFresh || !isBinary || connection === null || !this.switching.isSwitch(frame)) return false
    data.attempt = this.switching.begin(connection, frame)
    // Known before anything is sent: that may close the WebSocket.
    data.attempt?.start()
    return true
  }

  private close(data: SocketData, code: number, message: ArrayBuffer): void {
    const { connection, attempt } = data
    wireOf(data)?.closed()
    if (attempt !== null) return attempt.linkClosed()
    if (connection === null) return
    this.connections.closed(connection, readClose(code, message))
  }
}

/** The WebSocket's own wire; during a move from polling it is not that of the connection. */
function wireOf({ connection, attempt }: SocketData): UwsWire | null {
  const wire = attempt?.wire ?? connection?.port
  return wire instanceof UwsWire ? wire : null
}

function isPing(frame: Uint8Array): boolean {
  return frame.length > 0 && ((frame[0] as number) & TYPE_MASK) === MESSAGE_TYPES.PING
}
