import {
  type AnnouncedLimits,
  CLOSE_CODES,
  type CloseName,
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
import { Connection, type Loss } from '../connection/connection'
import { PollingMemory, type TextStore } from '../connection/polling-memory'
import { readServerMessage, type ServerMessage } from '../inbound/server-message'
import { type ClientOptions, type ResolvedOptions, resolveOptions, type TransportName } from '../options'
import { Socket } from '../socket/socket'
import type {
  DisconnectDetails,
  DisconnectReason,
  LinkedSocket,
  LinkState,
  ManagerReservedEvents,
  SocketLink,
} from '../socket/socket-link'
import type { Transports } from '../transport/transport'
import { Questions } from './questions'

/** What a manager gets from its platform. */
export interface Platform {
  readonly transports: Transports
  /** Where it is kept that polling won. */
  readonly store: TextStore
}

/** One connection to one server, shared by the sockets of its namespaces. */
export class Manager extends Emitter<Record<never, never>, ManagerReservedEvents> implements SocketLink {
  readonly #options: ResolvedOptions
  readonly #codec = createCompactCodec()
  readonly #sockets = new Map<string, Socket>()
  /** Sockets that want to be connected, each with a mark of its wish. */
  readonly #attached = new Map<Socket, object>()
  /** Attached sockets by namespace number, once the server has named it. */
  readonly #byNumber = new Map<number, Socket>()
  readonly #questions: Questions
  readonly #connection: Connection
  #wasAttached = false
  #attempt = 0
  /** The link closes as soon as what is being done is done. */
  #isLeaving = false
  #limits: AnnouncedLimits = LIMITS

  /**
   * @param origin  Of the server, `http:` or `https:`.
   * @throws RoomcastError `OPTION_NOT_SUPPORTED`, `INVALID_OPTION`.
   */
  constructor(origin: URL, given: ClientOptions, { transports, store }: Platform) {
    super()
    const options = resolveOptions(given)
    this.#options = options
    this.#questions = new Questions(
      {
        sendConnect: (socket, auth) => this.#sendConnect(socket, auth),
        onSilence: (socket) => this.#onSilence(socket),
      },
      options,
    )
    const url = new URL(origin)
    url.pathname = options.path.replace(/\/+$/, '')
    const server = url.href
    for (const [key, value] of Object.entries(options.query ?? {})) url.searchParams.set(key, value)
    this.#connection = new Connection(
      {
        target: {
          url,
          subprotocols: [SUBPROTOCOL, REFUSAL_SUBPROTOCOL],
          headers: options.extraHeaders ?? {},
          withCredentials: options.withCredentials === true,
        },
        transports,
        memory: new PollingMemory(store, server),
        policy: {
          transports: options.transports,
          upgrade: options.upgrade,
          timeoutMs: options.timeout,
          reconnection: options.reconnection,
          attempts: options.reconnectionAttempts,
          firstMs: options.reconnectionDelay,
          maxMs: options.reconnectionDelayMax,
        },
      },
      {
        onOpen: () => this.#onOpen(),
        onFrame: (frame) => this.#onFrame(frame),
        onLost: (loss) => this.#onLost(loss),
        onFailed: (loss) => this.#onFailed(loss),
        onAttempt: (attempt) => {
          this.#attempt = attempt
          this.fire('reconnect_attempt', attempt)
        },
        onState: () => this.fire('state', this.state),
      },
    )
  }

  /** What the connection is doing. Changes are told by the event `state`. */
  get state(): LinkState {
    const { name } = this.#connection.state
    return name === 'opening' ? 'connecting' : name === 'open' ? 'connected' : name
  }

  /** The transport in use; undefined while there is none. */
  get transport(): TransportName | undefined {
    const { state } = this.#connection
    return state.name === 'open' ? state.transport : undefined
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
    this.#attached.set(socket as Socket, {})
    // Even if there is a link: it may be about to close, and then there is nobody to ask.
    this.#connection.want()
    if (this.state === 'connected' && !this.#isLeaving) this.#questions.ask(socket as Socket)
  }

  /** @internal */
  detach(socket: LinkedSocket): void {
    this.#attached.delete(socket as Socket)
    this.#questions.abandon(socket.nsp)
    for (const [number, member] of this.#byNumber) if (member === socket) this.#byNumber.delete(number)
    if (this.#attached.size > 0) return
    this.#reset()
    this.#attempt = 0
    this.#isLeaving = true
    this.#connection.leave()
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
    this.#connection.send(frame)
  }

  #assertFits(bytes: number, frameBytes = this.#limits.frameBytes): void {
    if (bytes > frameBytes)
      throw new RoomcastError('MESSAGE_TOO_LARGE', `a frame of ${bytes} bytes, limit ${frameBytes}`)
  }

  #sendConnect(socket: Socket, auth: unknown): void {
    const { nsp, previous } = socket
    const frame = encodeFrame(this.#codec, { type: MESSAGE_TYPES.CONNECT }, { nsp, auth, previous })
    // The server would close the link, and the next attempt would be no better.
    this.#assertFits(frame.length, LIMITS.bytesBeforeConnect)
    this.#sendBytes(frame)
  }

  /** @returns Whether the namespace goes on waiting: the link is of use to others. */
  #onSilence(socket: Socket): boolean {
    if (this.#byNumber.size === 0) {
      this.#connection.cut('CONNECT_TIMEOUT')
      return false
    }
    socket.failAttempt(timedOut(this.#options.timeout), false)
    return this.#attached.has(socket)
  }

  #onOpen(): void {
    this.#reset()
    this.#isLeaving = false
    this.fire('open')
    this.#forEach(this.#attached, (socket) => this.#questions.ask(socket))
  }

  #onFrame(frame: Uint8Array): void {
    let message: ServerMessage
    try {
      message = readServerMessage(frame, this.#codec)
    } catch (error) {
      if (!isRoomcastError(error)) throw error
      return this.#connection.cut('BAD_FRAME')
    }
    if (message.kind === 'connected' || message.kind === 'connect_error') this.#onAnswer(message)
    else if (message.kind === 'close') this.#connection.expectEnd(message.body)
    else this.#byNumber.get(message.namespace)?.receive(message)
  }

  #onAnswer(message: ServerMessage & { kind: 'connect_error' | 'connected' }): void {
    const { nsp } = message.body
    const socket = this.#sockets.get(nsp)
    const isTooLate = this.#questions.settle(nsp)
    if (isTooLate === null || socket === undefined) return
    // Not when the link opens: a server that accepts links and ends them at once is no success.
    this.#connection.answered()
    const attempt = this.#attempt
    this.#attempt = 0
    if (attempt > 0) this.fire('reconnect', attempt)
    if (isTooLate) {
      if (message.kind === 'connected')
        this.sendFrame({ type: MESSAGE_TYPES.DISCONNECT, namespace: message.namespace }, null)
      if (this.#attached.has(socket)) this.#questions.ask(socket)
      return
    }
    if (message.kind === 'connected') {
      this.#limits = message.body.limits
      this.#connection.beat = this.#limits
      this.#byNumber.set(message.namespace, socket)
    }
    socket.receive(message)
  }

  #onLost(loss: Loss): void {
    const { end, verdict } = loss
    const details: DisconnectDetails = { code: end.code, message: end.message, verdict }
    const reason = reasonOf(end.code)
    const attached = new Map(this.#attached)
    this.#reset()
    this.fire('close', reason, details)
    const error = this.#toError(loss)
    this.#forEach(attached, (socket) => {
      if (socket.connected) socket.loseLink(reason, details, loss.isFinal)
      else socket.failAttempt(error, loss.isFinal)
    })
    if (loss.isExhausted) this.fire('reconnect_failed')
  }

  #onFailed(loss: Loss): void {
    const error = this.#toError(loss)
    const attached = new Map(this.#attached)
    this.fire('error', error)
    if (this.#attempt > 0) this.fire('reconnect_error', error)
    this.#forEach(attached, (socket) => socket.failAttempt(error, loss.isFinal))
    if (loss.isFinal) this.#attempt = 0
    if (loss.isExhausted) this.fire('reconnect_failed')
  }

  /** Visits the sockets that were attached; a listener may have ended some of them since, or connected them anew. */
  #forEach(attached: ReadonlyMap<Socket, object>, visit: (socket: Socket) => void): void {
    for (const [socket, wish] of [...attached]) if (this.#attached.get(socket) === wish) visit(socket)
  }

  #toError({ end: { code, message } }: Loss): RoomcastError {
    if (code === CLOSE_CODES.UNSUPPORTED_VERSION) {
      return new RoomcastError('UNSUPPORTED_VERSION', 'the server speaks no version of this client')
    }
    if (code === CLOSE_CODES.CONNECT_TIMEOUT || message === 'timeout') return timedOut(this.#options.timeout)
    return new RoomcastError('TRANSPORT_FAILED', 'the link failed', { data: { code, message } })
  }

  /** The link is gone, or a new one. */
  #reset(): void {
    this.#questions.clear()
    this.#byNumber.clear()
  }
}

function timedOut(ms: number): RoomcastError {
  return new RoomcastError('CONNECT_TIMEOUT' satisfies CloseName, `no answer in ${ms} ms`)
}

function reasonOf(code: number): DisconnectReason {
  switch (code) {
    case CLOSE_CODES.KICKED:
      return 'io server disconnect'
    case CLOSE_CODES.BAD_FRAME:
      return 'parse error'
    case CLOSE_CODES.PING_TIMEOUT:
      return 'ping timeout'
    default:
      return 'transport close'
  }
}
