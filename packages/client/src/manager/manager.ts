import {
  type AnnouncedLimits,
  CLOSE_CODES,
  closeVerdict,
  type CloseName,
  type CloseVerdict,
  createCompactCodec,
  Emitter,
  encodeFrame,
  type EventsMap,
  type FrameFields,
  headerLength,
  isRoomcastError,
  LIMITS,
  MESSAGE_TYPES,
  prependHeader,
  REFUSAL_SUBPROTOCOL,
  RoomcastError,
  SUBPROTOCOL,
} from '@roomcast/protocol'
import { backoffDelay } from '../connection/backoff'
import { readServerMessage, type ServerMessage } from '../inbound/server-message'
import { type ClientOptions, type ResolvedOptions, resolveOptions } from '../options'
import type { LinkedSocket, SocketLink } from '../socket/socket-link'
import { type DisconnectDetails, type DisconnectReason, Socket } from '../socket/socket'
import type { OpenTransport, Transport } from '../transport/transport'

/** Events of a {@link Manager}, with the names of Socket.IO. */
export interface ManagerReservedEvents {
  /** The link is open. */
  open: () => void
  /** The link was lost or closed. */
  close: (reason: DisconnectReason, details: DisconnectDetails) => void
  /** An attempt to open the link failed. */
  error: (error: RoomcastError) => void
  /** The link is open again, after this many attempts. */
  reconnect: (attempt: number) => void
  reconnect_attempt: (attempt: number) => void
  reconnect_error: (error: RoomcastError) => void
  /** It has given up. */
  reconnect_failed: () => void
}

/**
 * One connection to one server, shared by the sockets of its namespaces.
 *
 *   idle ──attach──► opening ──open──► open
 *    ▲                  │ failed         │ lost
 *    │                  ▼                ▼
 *    └──gave up,──── pausing ◄───────────┘
 *       detached        └── after the delay ──► opening
 */
export class Manager extends Emitter<Record<never, never>, ManagerReservedEvents> implements SocketLink {
  private phase: 'idle' | 'open' | 'opening' | 'pausing' = 'idle'
  private readonly options: ResolvedOptions
  private readonly codec = createCompactCodec()
  private readonly sockets = new Map<string, Socket>()
  private readonly attached = new Set<Socket>()
  /** Attached sockets by namespace number, once the server has named it. */
  private readonly byNumber = new Map<number, Socket>()
  /** Namespaces that wait for the answer to CONNECT, with what happens if none comes. */
  private readonly asked = new Map<string, ReturnType<typeof setTimeout>>()
  private transport: Transport | null = null
  private timer: ReturnType<typeof setTimeout> | undefined
  private failures = 0
  private limits: AnnouncedLimits = { frameBytes: LIMITS.frameBytes }

  /**
   * @param url            Origin of the server, `http:` or `https:`.
   * @param openTransport  How to open a link.
   * @throws RoomcastError `OPTION_NOT_SUPPORTED`.
   */
  constructor(
    private readonly url: URL,
    options: ClientOptions,
    private readonly openTransport: OpenTransport,
  ) {
    super()
    this.options = resolveOptions(options)
  }

  /** Whether a socket of this namespace exists. */
  hasSocket(nsp: string): boolean {
    return this.sockets.has(nsp)
  }

  /** The socket of a namespace; the same one for the same name. */
  socket<Listen extends EventsMap, Emit extends EventsMap>(nsp: string, options: ClientOptions = {}): Socket<Listen, Emit> {
    let socket = this.sockets.get(nsp)
    if (socket === undefined) {
      socket = new Socket(this, nsp, { ...this.options, ...options })
      this.sockets.set(nsp, socket)
    }
    if (this.options.autoConnect) socket.connect()
    return socket as unknown as Socket<Listen, Emit>
  }

  /** @internal */
  attach(socket: LinkedSocket): void {
    this.attached.add(socket as Socket)
    if (this.phase === 'open') this.ask(socket as Socket)
    else if (this.phase === 'idle') this.open()
  }

  /** @internal */
  detach(socket: LinkedSocket): void {
    this.attached.delete(socket as Socket)
    this.stopAsking(socket.nsp)
    for (const [number, member] of this.byNumber) if (member === socket) this.byNumber.delete(number)
    if (this.attached.size === 0) this.close()
  }

  /** @internal */
  encodeBody(event: string, args: readonly unknown[]): Uint8Array {
    const body = this.codec.encode(args, 0)
    const { frameBytes } = this.limits
    // The widest header this event can have: numbers of 8 bytes.
    const room = 17 + headerLength({ type: MESSAGE_TYPES.EVENT, namespace: 0, ackId: -1, room: -1, seq: 0, event })
    if (body.length + room > frameBytes) {
      throw new RoomcastError('MESSAGE_TOO_LARGE', `"${event}" has ${body.length} bytes, the server takes ${frameBytes - room}`)
    }
    return body
  }

  /** @internal */
  sendBody(fields: FrameFields, body: Uint8Array): void {
    if (this.phase === 'open') this.transport?.send(prependHeader(fields, body))
  }

  /** @internal */
  sendFrame(fields: FrameFields, body: unknown): void {
    const frame = encodeFrame(this.codec, fields, body)
    if (this.phase === 'open') this.transport?.send(frame)
  }

  /** @internal */
  onListenerError(error: unknown, event: string): void {
    console.error(`roomcast: listener of "${event}" failed`, error)
  }

  private open(): void {
    this.phase = 'opening'
    const url = new URL(this.url)
    url.pathname = this.options.path.replace(/\/+$/, '')
    for (const [key, value] of Object.entries(this.options.query ?? {})) url.searchParams.set(key, value)
    const target = { url, subprotocols: [SUBPROTOCOL, REFUSAL_SUBPROTOCOL], headers: this.options.extraHeaders ?? {} }
    const transport = this.openTransport(target, {
      onOpen: (subprotocol) => this.onOpen(subprotocol),
      onFrame: (frame) => this.onFrame(frame),
      onClose: (code, reason) => {
        // A transport that was given up may still report its end.
        if (this.transport === transport) this.onClose(code, reason)
      },
    })
    this.transport = transport
    this.timer = setTimeout(() => transport.close(CLOSE_CODES.ABNORMAL.code, 'timeout'), this.options.timeout)
  }

  private onOpen(subprotocol: string): void {
    if (this.phase !== 'opening') return
    clearTimeout(this.timer)
    if (subprotocol === REFUSAL_SUBPROTOCOL) return // The server closes with UNSUPPORTED_VERSION.
    if (subprotocol !== SUBPROTOCOL) return this.cut('UNSUPPORTED_VERSION')
    this.phase = 'open'
    const { failures } = this
    this.failures = 0
    this.fire('open')
    if (failures > 0) this.fire('reconnect', failures)
    for (const socket of this.attached) this.ask(socket)
  }

  /** Sends CONNECT for a socket, with its credentials. */
  private ask(socket: Socket): void {
    const { transport } = this
    const send = (auth: unknown) => {
      if (this.transport !== transport || !this.attached.has(socket) || this.asked.has(socket.nsp)) return
      const expire = () => this.cut('CONNECT_TIMEOUT')
      this.asked.set(socket.nsp, setTimeout(expire, this.options.timeout))
      try {
        this.sendFrame({ type: MESSAGE_TYPES.CONNECT }, { nsp: socket.nsp, auth })
      } catch (error) {
        this.detach(socket)
        socket.failAttempt(error as RoomcastError, true)
      }
    }
    if (typeof socket.auth === 'function') socket.auth(send)
    else send(socket.auth)
  }

  private stopAsking(nsp: string): void {
    clearTimeout(this.asked.get(nsp))
    this.asked.delete(nsp)
  }

  private onFrame(frame: Uint8Array): void {
    let message: ServerMessage
    try {
      message = readServerMessage(frame, this.codec)
    } catch (error) {
      if (!isRoomcastError(error)) throw error
      return this.cut('BAD_FRAME')
    }
    if (message.kind === 'connected' || message.kind === 'connect_error') {
      const { nsp } = message.body
      const socket = this.sockets.get(nsp)
      // It was detached while the server was answering.
      if (socket === undefined || !this.asked.has(nsp)) return
      this.stopAsking(nsp)
      if (message.kind === 'connected') {
        this.limits = message.body.limits
        this.byNumber.set(message.namespace, socket)
      }
      socket.receive(message)
    } else this.byNumber.get(message.namespace)?.receive(message)
  }

  /** Ends the link for a reason of ours. */
  private cut(name: CloseName): void {
    const { code, meaning } = CLOSE_CODES[name]
    this.transport?.close(code, meaning)
  }

  private onClose(code: number, message: string): void {
    const wasOpen = this.phase === 'open'
    const verdict = closeVerdict(code)
    this.reset()
    const willReconnect = this.options.reconnection && verdict !== 'never' && this.attached.size > 0
    if (wasOpen) {
      const details: DisconnectDetails = { code, message, verdict }
      const reason = reasonOf(code)
      this.fire('close', reason, details)
      for (const socket of [...this.attached]) socket.loseLink(reason, details, !willReconnect)
    } else this.failAttempt(code, message, willReconnect)
    // Listeners may have connected or disconnected meanwhile.
    if (this.phase !== 'pausing') return
    if (willReconnect && this.attached.size > 0) this.pause(verdict, wasOpen)
    else this.giveUp()
  }

  private failAttempt(code: number, message: string, willReconnect: boolean): void {
    const error =
      code === CLOSE_CODES.UNSUPPORTED_VERSION.code
        ? new RoomcastError('UNSUPPORTED_VERSION', 'the server speaks no version of this client')
        : message === 'timeout'
          ? new RoomcastError('CONNECT_TIMEOUT', `the link was not open after ${this.options.timeout} ms`)
          : new RoomcastError('TRANSPORT_FAILED', 'the link could not be opened', { data: { code, message } })
    this.fire('error', error)
    if (this.failures > 0) this.fire('reconnect_error', error)
    for (const socket of [...this.attached]) socket.failAttempt(error, !willReconnect)
  }

  private pause(verdict: CloseVerdict, wasOpen: boolean): void {
    const { reconnectionAttempts, reconnectionDelay: firstMs, reconnectionDelayMax: maxMs } = this.options
    if (this.failures >= reconnectionAttempts) {
      this.fire('reconnect_failed')
      return this.giveUp()
    }
    const delay = verdict === 'now' && wasOpen ? 0 : backoffDelay({ firstMs, maxMs }, this.failures, Math.random())
    this.timer = setTimeout(() => {
      this.failures++
      this.fire('reconnect_attempt', this.failures)
      if (this.phase === 'pausing') this.open()
    }, delay)
  }

  private giveUp(): void {
    this.phase = 'idle'
    this.failures = 0
    for (const socket of [...this.attached]) {
      this.attached.delete(socket)
      socket.disconnect()
    }
  }

  /** Closes the link on purpose; there is no socket left that wants it. */
  private close(): void {
    const { transport } = this
    this.reset()
    this.phase = 'idle'
    this.failures = 0
    transport?.close(CLOSE_CODES.NORMAL.code, '')
  }

  private reset(): void {
    clearTimeout(this.timer)
    for (const timer of this.asked.values()) clearTimeout(timer)
    this.asked.clear()
    this.byNumber.clear()
    this.transport = null
    this.phase = 'pausing'
  }
}

function reasonOf(code: number): DisconnectReason {
  switch (code) {
    case CLOSE_CODES.KICKED.code:
      return 'io server disconnect'
    case CLOSE_CODES.BAD_FRAME.code:
      return 'parse error'
    default:
      return 'transport close'
  }
}
