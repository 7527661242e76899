import {
  createCompactCodec,
  type DefaultUser,
  Emitter,
  type EventsMap,
  encodeFrame,
  type FrameFields,
  type FrameHeader,
  headerLength,
  isNamespaceName,
  isRoomcastError,
  type PublicUser,
  prependHeader,
  REFUSAL_SUBPROTOCOL,
  RoomcastError,
  SUBPROTOCOL,
} from '@roomcast/protocol'
import { Connection } from '../connection/connection'
import type { Congestion } from '../connection/flow'
import { pollingMemory, type TextStore } from '../connection/polling-memory'
import type { Loss, Told } from '../connection/states'
import { type RoomMessage, readKeptMessages } from '../inbound/kept-message'
import { type MessageOf, readServerMessage, type ServerMessage, toError } from '../inbound/server-message'
import { type ClientOptions, type ResolvedOptions, resolveOptions, type TransportName } from '../options'
import { Socket } from '../socket/socket'
import type {
  DisconnectDetails,
  LinkedSocket,
  LinkState,
  ManagerReservedEvents,
  SocketLink,
} from '../socket/socket-link'
import {
  BAD_FRAME,
  BYTES_BEFORE_CONNECT,
  CLOSE,
  CONNECT,
  CONNECT_ERROR,
  CONNECT_TIMEOUT,
  CONNECTED,
  DISCONNECT,
  EVENT,
} from '../tables'
import type { Transports } from '../transport/transport'
import { errorOf, reasonOf, timedOut } from './link-end'
import { Questions } from './questions'
import { NAMESPACE_RULE } from './server-url'

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
        onRested: (socket) => this.#ask(socket),
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
        memory: pollingMemory(store, server),
        policy: options,
      },
      {
        onFrame: (frame) => this.#onFrame(frame),
        onTold: (told) => this.#onTold(told),
        onState: () => this.fire('state', this.state),
        onCongestion: (congestion) => this.fire('congestion', congestion),
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
    return this.#connection.transport
  }

  /** See {@link SocketLink.buffered}. */
  get buffered(): number {
    return this.#connection.flow.buffered
  }

  /** See {@link SocketLink.congestion}. */
  get congestion(): Congestion {
    return this.#connection.flow.congestion
  }

  /** See {@link SocketLink.drained}. @throws RoomcastError `DISCONNECTED`. */
  drained(): Promise<void> {
    return this.#connection.flow.drained()
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
  socket<Listen extends EventsMap, Emit extends EventsMap, User extends PublicUser = DefaultUser>(
    nsp: string,
    options: ClientOptions = {},
  ): Socket<Listen, Emit, User> {
    let socket = this.#sockets.get(nsp)
    if (socket === undefined) {
      if (!isNamespaceName(nsp)) throw new RoomcastError('INVALID_NAMESPACE', NAMESPACE_RULE)
      socket = new Socket(this, nsp, resolveOptions({ ...this.#options, ...options }))
      this.#sockets.set(nsp, socket)
    }
    if (this.#options.autoConnect) socket.connect()
    return socket as unknown as Socket<Listen, Emit, User>
  }

  /** @internal */
  attach(socket: LinkedSocket): void {
    this.#wasAttached = true
    this.#attached.set(socket as Socket, {})
    this.#questions.abandon(socket.nsp)
    this.#ask(socket as Socket)
  }

  /** @internal */
  detach(socket: LinkedSocket): void {
    this.#attached.delete(socket as Socket)
    this.#questions.abandon(socket.nsp)
    for (const [number, member] of this.#byNumber) if (member === socket) this.#byNumber.delete(number)
    this.#leaveIfUnused()
  }

  /** @internal */
  encodeBody(event: string, args: readonly unknown[]): Uint8Array {
    const body = this.#codec.encode(args, 0)
    // The widest header this event can have: two numbers of 8 bytes.
    const widest: FrameHeader = { type: EVENT, namespace: 0, ackId: -1, room: -1, seq: 0, event }
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

  #ask(socket: Socket): void {
    // Even if there is a link: it may be about to close, and then there is nobody to ask.
    this.#connection.want()
    if (this.state === 'connected' && !this.#isLeaving) this.#questions.ask(socket)
  }

  /** Leaves the link, unless somebody is there who may use it now. The server would end it too. */
  #leaveIfUnused(): void {
    for (const { nsp } of this.#attached.keys()) if (!this.#questions.isResting(nsp)) return
    this.#reset()
    this.#attempt = 0
    this.#isLeaving = true
    this.#connection.leave()
  }

  #sendConnect(socket: Socket, auth: unknown): void {
    const encode = () => encodeFrame(this.#codec, { type: CONNECT }, socket.connectBody(auth))
    let frame = encode()
    if (frame.length > BYTES_BEFORE_CONNECT) {
      // In so many rooms that it cannot go on with them: it joins them again.
      socket.dropSession()
      frame = encode()
    }
    // The server would close the link, and the next attempt would be no better.
    this.#sendBytes(frame, BYTES_BEFORE_CONNECT)
  }

  #sendBytes(frame: Uint8Array, limit?: number): void {
    this.#assertFits(frame.length, limit)
    this.#connection.send(frame)
  }

  #assertFits(bytes: number, limit = Number.POSITIVE_INFINITY): void {
    const most = Math.min(limit, this.#connection.limits.frameBytes)
    if (bytes > most) throw new RoomcastError('MESSAGE_TOO_LARGE', `a frame of ${bytes} bytes, limit ${most}`)
  }

  /** @returns Whether the namespace goes on waiting: the link is of use to others. */
  #onSilence(socket: Socket): boolean {
    if (this.#byNumber.size === 0) {
      this.#connection.cut(CONNECT_TIMEOUT, 'CONNECT_TIMEOUT')
      return false
    }
    socket.failAttempt(timedOut(this.#options.timeout), false)
    return this.#attached.has(socket)
  }

  #onTold(told: Told): void {
    switch (told.do) {
      case 'tell opened':
        this.#reset()
        this.#isLeaving = false
        this.fire('open')
        return this.#forEach(this.#attached, (socket) => this.#questions.ask(socket))
      case 'tell attempt':
        this.#attempt = told.attempt
        return this.fire('reconnect_attempt', told.attempt)
      default:
        return this.#onLoss(told)
    }
  }

  /** @internal */
  readMessages(items: unknown): RoomMessage[] | null {
    return this.#read(() => readKeptMessages(items, this.#codec))
  }

  /** What the server sent; null if that is malformed. */
  #read<Message>(read: () => Message): Message | null {
    try {
      return read()
    } catch (error) {
      if (!isRoomcastError(error)) throw error
      this.#connection.cut(BAD_FRAME, 'BAD_FRAME')
      return null
    }
  }

  #onFrame(frame: Uint8Array): void {
    const message: ServerMessage | null = this.#read(() => readServerMessage(frame, this.#codec))
    if (!message) return
    if (message.type === CONNECTED || message.type === CONNECT_ERROR) this.#onAnswer(message)
    else if (message.type === CLOSE) this.#connection.expectEnd(message.body)
    else this.#byNumber.get(message.namespace)?.receive(message)
  }

  #onAnswer(message: MessageOf<typeof CONNECTED> | MessageOf<typeof CONNECT_ERROR>): void {
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
      socket.dropSession()
      if (message.type === CONNECTED) this.sendFrame({ type: DISCONNECT, namespace: message.namespace }, null)
      if (this.#attached.has(socket)) this.#questions.ask(socket)
      return
    }
    if (message.type === CONNECT_ERROR) {
      this.#questions.refused(socket, toError(message.body))
      return this.#leaveIfUnused()
    }
    this.#connection.limits = message.body.limits
    this.#byNumber.set(message.namespace, socket)
    socket.receive(message)
  }

  #onLoss(loss: Loss): void {
    const { end, verdict, isFinal } = loss
    const details: DisconnectDetails = { code: end.code, message: end.message, verdict }
    const reason = reasonOf(end.code)
    const error = errorOf(end, this.#options.timeout)
    const attached = new Map(this.#attached)
    if (loss.do === 'tell lost') {
      this.#reset()
      this.fire('close', reason, details)
    } else {
      this.fire('error', error)
      if (this.#attempt > 0) this.fire('reconnect_error', error)
    }
    this.#forEach(attached, (socket) => {
      if (socket.connected) socket.loseLink(reason, details, isFinal)
      else socket.failAttempt(error, isFinal)
    })
    if (isFinal) this.#attempt = 0
    if (loss.isExhausted) this.fire('reconnect_failed')
  }

  /** Visits the sockets that were attached; a listener may have ended some of them since, or connected them anew. */
  #forEach(attached: ReadonlyMap<Socket, object>, visit: (socket: Socket) => void): void {
    for (const [socket, wish] of [...attached]) if (this.#attached.get(socket) === wish) visit(socket)
  }

  /** The link is gone, or a new one. */
  #reset(): void {
    this.#questions.clear()
    this.#byNumber.clear()
  }
}
