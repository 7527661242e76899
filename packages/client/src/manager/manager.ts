import {
  type AnnouncedLimits,
  CLOSE_CODES,
  type CloseName,
  callListener,
  closeVerdict,
  createCompactCodec,
  Emitter,
  type EventsMap,
  encodeFrame,
  type FrameFields,
  headerLength,
  isNamespaceName,
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
import { type AuthFunction, type ClientOptions, type ResolvedOptions, resolveOptions } from '../options'
import { Socket } from '../socket/socket'
import type {
  DisconnectDetails,
  DisconnectReason,
  LinkedSocket,
  ManagerReservedEvents,
  SocketLink,
} from '../socket/socket-link'
import type { OpenTransport, Transport } from '../transport/transport'

/** Text of the close that we report ourselves when a link does not open. */
const OPEN_TIMEOUT = 'timeout'

/** A namespace that was asked for, and not answered yet. */
interface Question {
  /** Ends the link if no answer comes. */
  readonly timer: ReturnType<typeof setTimeout>
  /** The socket was disconnected meanwhile: whatever the answer is, it comes too late. */
  isAbandoned: boolean
  /** Whether CONNECT was sent; it waits for an auth function before. */
  isSent: boolean
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
  #phase: 'idle' | 'open' | 'opening' | 'pausing' = 'idle'
  readonly #options: ResolvedOptions
  readonly #codec = createCompactCodec()
  readonly #sockets = new Map<string, Socket>()
  readonly #attached = new Set<Socket>()
  /** Attached sockets by namespace number, once the server has named it. */
  readonly #byNumber = new Map<number, Socket>()
  /** Namespaces that wait for the answer to CONNECT. */
  readonly #asked = new Map<string, Question>()
  #transport: Transport | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  #failures = 0
  #wasAttached = false
  #limits: AnnouncedLimits = { frameBytes: LIMITS.frameBytes }
  readonly #url: URL
  readonly #openTransport: OpenTransport

  /**
   * @param url            Origin of the server, `http:` or `https:`.
   * @param openTransport  How to open a link.
   * @throws RoomcastError `OPTION_NOT_SUPPORTED`.
   */
  constructor(url: URL, options: ClientOptions, openTransport: OpenTransport) {
    super()
    this.#url = url
    this.#openTransport = openTransport
    this.#options = resolveOptions(options)
  }

  /** Whether it has had connected sockets, and all of them are done. */
  get isSpent(): boolean {
    return this.#wasAttached && this.#attached.size === 0
  }

  /** Whether a socket of this namespace exists. */
  hasSocket(nsp: string): boolean {
    return this.#sockets.has(nsp)
  }

  /** The socket of a namespace; the same one for the same name. @throws RoomcastError `INVALID_NAMESPACE`. */
  socket<Listen extends EventsMap, Emit extends EventsMap>(
    nsp: string,
    options: ClientOptions = {},
  ): Socket<Listen, Emit> {
    let socket = this.#sockets.get(nsp)
    if (socket === undefined) {
      if (!isNamespaceName(nsp)) throw new RoomcastError('INVALID_NAMESPACE', 'a namespace name begins with a slash')
      socket = new Socket(this, nsp, resolveOptions({ ...this.#options, ...options }))
      this.#sockets.set(nsp, socket)
    }
    if (this.#options.autoConnect) socket.connect()
    return socket as unknown as Socket<Listen, Emit>
  }

  /** @internal */
  attach(socket: LinkedSocket): void {
    this.#wasAttached = true
    this.#attached.add(socket as Socket)
    if (this.#phase === 'open') this.#ask(socket as Socket)
    else if (this.#phase === 'idle') this.#open()
  }

  /** @internal */
  detach(socket: LinkedSocket): void {
    this.#attached.delete(socket as Socket)
    const question = this.#asked.get(socket.nsp)
    if (question?.isSent) question.isAbandoned = true
    else this.#stopAsking(socket.nsp)
    for (const [number, member] of this.#byNumber) if (member === socket) this.#byNumber.delete(number)
    if (this.#attached.size === 0) this.#close()
  }

  /** @internal */
  encodeBody(event: string, args: readonly unknown[]): Uint8Array {
    const body = this.#codec.encode(args, 0)
    // The widest header this event can have: two numbers of 8 bytes.
    const widest = { type: MESSAGE_TYPES.EVENT, namespace: 0, ackId: -1, room: -1, seq: 0, event }
    this.#assertFits(body.length + 16 + headerLength(widest))
    return body
  }

  /** @internal */
  sendBody(fields: FrameFields, body: Uint8Array): void {
    this.#sendBytes(prependHeader(fields, body))
  }

  /** @internal */
  sendFrame(fields: FrameFields, body: unknown): void {
    this.#sendBytes(encodeFrame(this.#codec, fields, body))
  }

  #sendBytes(frame: Uint8Array): void {
    this.#assertFits(frame.length)
    if (this.#phase === 'open') this.#transport?.send(frame)
  }

  #assertFits(bytes: number, frameBytes = this.#limits.frameBytes): void {
    if (bytes > frameBytes)
      throw new RoomcastError('MESSAGE_TOO_LARGE', `a frame of ${bytes} bytes, limit ${frameBytes}`)
  }

  #open(): void {
    this.#phase = 'opening'
    const url = new URL(this.#url)
    url.pathname = this.#options.path.replace(/\/+$/, '')
    for (const [key, value] of Object.entries(this.#options.query ?? {})) url.searchParams.set(key, value)
    const target = { url, subprotocols: [SUBPROTOCOL, REFUSAL_SUBPROTOCOL], headers: this.#options.extraHeaders ?? {} }
    const transport = this.#openTransport(target, {
      onOpen: (subprotocol) => this.#onOpen(subprotocol),
      onFrame: (frame) => this.#onFrame(frame),
      onClose: (code, reason) => {
        // A transport that was given up may still report its end.
        if (this.#transport === transport) this.#onClose(code, reason)
      },
    })
    this.#transport = transport
    this.#timer = setTimeout(() => transport.close(CLOSE_CODES.ABNORMAL.code, OPEN_TIMEOUT), this.#options.timeout)
  }

  #onOpen(subprotocol: string): void {
    if (this.#phase !== 'opening') return
    clearTimeout(this.#timer)
    // The subprotocol of refusals, or none: the server would close with the same code.
    if (subprotocol !== SUBPROTOCOL) return this.#cut('UNSUPPORTED_VERSION')
    this.#phase = 'open'
    const transport = this.#transport
    this.fire('open')
    if (this.#failures > 0 && this.#transport === transport) this.fire('reconnect', this.#failures)
    for (const socket of [...this.#attached]) {
      // A listener may have closed the link, or ended the socket.
      if (this.#transport === transport && this.#attached.has(socket)) this.#ask(socket)
    }
  }

  /** Sends CONNECT for a socket, with its credentials. */
  #ask(socket: Socket): void {
    const { nsp } = socket
    // An abandoned question is asked again when its answer has come.
    if (this.#asked.has(nsp)) return
    const question: Question = {
      timer: setTimeout(() => this.#cut('CONNECT_TIMEOUT'), this.#options.timeout),
      isAbandoned: false,
      isSent: false,
    }
    this.#asked.set(nsp, question)
    const fail = (error: unknown) => {
      if (this.#asked.get(nsp) !== question) return
      this.#stopAsking(nsp)
      const isOurs = isRoomcastError(error)
      socket.failAttempt(
        isOurs ? error : new RoomcastError('AUTH_FAILED', 'the auth function failed', { cause: error }),
        true,
      )
    }
    const send = (auth: unknown) => {
      if (this.#asked.get(nsp) !== question || question.isSent || question.isAbandoned) return
      question.isSent = true
      try {
        const frame = encodeFrame(this.#codec, { type: MESSAGE_TYPES.CONNECT }, { nsp, auth })
        // The server would close the link, and the next attempt would be no better.
        this.#assertFits(frame.length, LIMITS.bytesBeforeConnect)
        this.#sendBytes(frame)
      } catch (error) {
        fail(error)
      }
    }
    const { auth } = socket
    if (typeof auth === 'function') callListener(auth as AuthFunction, socket, [send], fail)
    else send(auth)
  }

  #stopAsking(nsp: string): void {
    clearTimeout(this.#asked.get(nsp)?.timer)
    this.#asked.delete(nsp)
  }

  #onFrame(frame: Uint8Array): void {
    let message: ServerMessage
    try {
      message = readServerMessage(frame, this.#codec)
    } catch (error) {
      if (!isRoomcastError(error)) throw error
      return this.#cut('BAD_FRAME')
    }
    if (message.kind === 'connected' || message.kind === 'connect_error') this.#onAnswer(message)
    else this.#byNumber.get(message.namespace)?.receive(message)
  }

  #onAnswer(message: ServerMessage & { kind: 'connect_error' | 'connected' }): void {
    const { nsp } = message.body
    const question = this.#asked.get(nsp)
    const socket = this.#sockets.get(nsp)
    if (question === undefined || socket === undefined) return
    this.#stopAsking(nsp)
    // Not when the link opens: a server that accepts links and ends them at once must not be asked without pause.
    this.#failures = 0
    if (question.isAbandoned) {
      if (message.kind === 'connected')
        this.sendFrame({ type: MESSAGE_TYPES.DISCONNECT, namespace: message.namespace }, null)
      if (this.#attached.has(socket)) this.#ask(socket)
      return
    }
    if (message.kind === 'connected') {
      this.#limits = message.body.limits
      this.#byNumber.set(message.namespace, socket)
    }
    socket.receive(message)
  }

  /** Ends the link for a reason of ours. */
  #cut(name: CloseName): void {
    this.#transport?.close(CLOSE_CODES[name].code, name)
  }

  #onClose(code: number, message: string): void {
    const wasOpen = this.#phase === 'open'
    const verdict = closeVerdict(code)
    const isFinal = !this.#options.reconnection || verdict === 'never'
    this.#reset()
    const details: DisconnectDetails = { code, message, verdict }
    const reason = reasonOf(code)
    const error = this.#attemptError(code, message)
    if (wasOpen) this.fire('close', reason, details)
    else {
      this.fire('error', error)
      if (this.#failures > 0) this.fire('reconnect_error', error)
    }
    for (const socket of [...this.#attached]) {
      // A listener of one may have ended another, or all of them and opened a new link.
      if (this.#phase !== 'pausing') return
      if (!this.#attached.has(socket)) continue
      if (socket.connected) socket.loseLink(reason, details, isFinal)
      else socket.failAttempt(error, isFinal)
    }
    // The last socket to detach has made it idle, and a listener may have opened it again.
    if (this.#phase === 'pausing') this.#pause(verdict === 'now' && wasOpen)
  }

  #attemptError(code: number, message: string): RoomcastError {
    if (code === CLOSE_CODES.UNSUPPORTED_VERSION.code) {
      return new RoomcastError('UNSUPPORTED_VERSION', 'the server speaks no version of this client')
    }
    if (code === CLOSE_CODES.CONNECT_TIMEOUT.code || message === OPEN_TIMEOUT) {
      return new RoomcastError('CONNECT_TIMEOUT', `no answer in ${this.#options.timeout} ms`)
    }
    return new RoomcastError('TRANSPORT_FAILED', 'the link failed', { data: { code, message } })
  }

  /** Opens the link again, after a while. */
  #pause(isAtOnce: boolean): void {
    const { reconnectionAttempts, reconnectionDelay: firstMs, reconnectionDelayMax: maxMs } = this.#options
    if (this.#attached.size === 0) return this.#close()
    if (this.#failures >= reconnectionAttempts) {
      // Quietly, and before anybody is told: a listener may connect again.
      for (const socket of [...this.#attached]) socket.giveUp()
      this.fire('reconnect_failed')
      return
    }
    const delay = isAtOnce ? 0 : backoffDelay({ firstMs, maxMs }, this.#failures, Math.random())
    this.#timer = setTimeout(() => {
      this.#failures++
      this.fire('reconnect_attempt', this.#failures)
      if (this.#phase === 'pausing') this.#open()
    }, delay)
  }

  /** Closes the link on purpose; there is no socket left that wants it. */
  #close(): void {
    const transport = this.#transport
    this.#reset()
    this.#phase = 'idle'
    this.#failures = 0
    transport?.close(CLOSE_CODES.NORMAL.code, '')
  }

  #reset(): void {
    clearTimeout(this.#timer)
    for (const nsp of [...this.#asked.keys()]) this.#stopAsking(nsp)
    this.#byNumber.clear()
    this.#transport = null
    this.#phase = 'pausing'
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
