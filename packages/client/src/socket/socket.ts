import {
  type AckResult,
  assertEmittable,
  closeVerdict,
  type DataArgs,
  type DefaultEventsMap,
  type DefaultUser,
  type EndBody,
  type EventArgs,
  type EventNames,
  type EventsMap,
  type PublicUser,
  RoomcastError,
  SocketEmitter,
} from '@roomcast/protocol'
import { type Answer, deliverEvent } from '../inbound/deliver'
import { type MessageOf, type ServerMessage, toError } from '../inbound/server-message'
import type { AuthOption, ResolvedOptions } from '../options'
import { type EmitFlags, EventSender } from '../outbound/event-sender'
import type { AckSettle } from '../outbound/pending-acks'
import { Login } from '../people/login'
import type { UserWatch, WatchOptions } from '../people/user-watch'
import { UserWatches } from '../people/user-watches'
import { ABNORMAL, ACK, ACK_ERROR, CONNECTED, DISCONNECT, ERROR, EVENT, NOTICE, REQUEST } from '../tables'
import { DirectEmitter } from './direct-emitter'
import type { SocketReservedEvents, WithUser } from './socket-events'
import type { DisconnectDetails, DisconnectReason, LinkState, SocketLink } from './socket-link'

/**
 * One namespace of a server, as the client sees it.
 *
 *   idle ──connect()──► waiting ──CONNECTED──► connected ──lost──► waiting
 *     ▲                    └── refused ──┐         │
 *     └── disconnect(), refused, ended by the server ◄──┘
 */
export class Socket<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = Listen,
  User extends PublicUser = DefaultUser,
> extends SocketEmitter<WithUser<Listen, User>, SocketReservedEvents> {
  /** Given by the server at each connect; undefined while not connected. */
  id: string | undefined
  /** Whether the session was resumed. Sessions are not resumed in this version: always false. */
  readonly recovered = false
  /** Sent at each attempt; may be replaced, for example with a new token before `connect()`. */
  auth: AuthOption | undefined
  /**
   * How the last connection was lost; undefined as long as none was. An end of the namespace alone counts only if the
   * server gives a code for it. What was a lost link (1006) at first may turn out to be a close by the server: it tells
   * when the socket is connected again, before `connect`.
   */
  lastClose: DisconnectDetails | undefined
  /** @internal Id on the connection before, as long as it is not known why that ended. */
  previous: string | undefined
  /** @internal Attempts in a row that failed, or were refused, and were repeated. */
  failures = 0
  #phase: 'connected' | 'idle' | 'waiting' = 'idle'
  #namespace = 0
  readonly #sender: EventSender
  readonly #login: Login
  readonly #watches: UserWatches
  readonly #link: SocketLink
  readonly #direct = new DirectEmitter<Emit, false>(this, {})

  /** @internal */
  constructor(
    link: SocketLink,
    /** Name of the namespace, with its leading slash. */
    readonly nsp: string,
    options: ResolvedOptions,
  ) {
    super()
    this.#link = link
    this.auth = options.auth
    this.#sender = new EventSender(
      {
        isConnected: () => this.connected,
        sendEvent: (event, ackId, body) =>
          link.sendBody({ type: EVENT, namespace: this.#namespace, ackId, event }, body),
        sendRequest: (ackId, body) => link.sendFrame({ type: REQUEST, namespace: this.#namespace, ackId }, body),
        onLostEvent: (error) => this.fire('error', error),
      },
      options,
    )
    this.#login = new Login(this, this.#sender)
    this.#watches = new UserWatches(this, this.#sender)
  }

  /** The connection beneath, with the reconnection events. */
  get io(): SocketLink {
    return this.#link
  }

  /** Whether events can be sent now. */
  get connected(): boolean {
    return this.#phase === 'connected'
  }

  /** The inverse of {@link connected}. */
  get disconnected(): boolean {
    return !this.connected
  }

  /** Whether the socket is connected, or will connect by itself. */
  get active(): boolean {
    return this.#phase !== 'idle'
  }

  /**
   * What the socket is doing. The events `connect`, `connect_error` and `disconnect` tell of changes, and `state` of the
   * manager, `socket.io`, of those of the link.
   */
  get state(): LinkState {
    if (this.#phase !== 'waiting') return this.#phase
    const { state } = this.#link
    return state === 'idle' || state === 'waiting' ? 'waiting' : 'connecting'
  }

  /**
   * Who the socket is logged in as; null for nobody, or if it is not known. Stays while the link is lost and comes
   * back. The event `user` tells of changes, at a connect before `connect`.
   */
  get user(): User | null {
    return this.#login.user as User | null
  }

  /** Connects, unless it is connected or about to be. */
  connect(): this {
    if (this.#phase === 'idle') this.attach()
    return this
  }

  /** The same as {@link connect}. */
  open(): this {
    return this.connect()
  }

  /** Leaves the namespace and does not come back by itself. The connection closes with its last socket. */
  disconnect(): this {
    if (this.connected) this.#link.sendFrame({ type: DISCONNECT, namespace: this.#namespace }, null)
    if (this.active) this.#end('io client disconnect', true)
    return this
  }

  /** The same as {@link disconnect}. */
  close(): this {
    return this.disconnect()
  }

  /**
   * Logs in: by connecting, or without a new connection if there is one. With success the credentials are `auth`, for
   * later connects. A function is also asked again before its login ends, so that it goes on; an object is not.
   *
   * @returns The user. Of several logins the last one counts.
   * @throws RoomcastError of the server, as `LOGIN_REFUSED`; `LOGIN_UNAVAILABLE` if the server has no login; `AUTH_FAILED`,
   *         `ACK_TIMEOUT`, `DISCONNECTED`, `LOGIN_OVERTAKEN` if another login or a logout came first; while not connected
   *         that of the first attempt which fails. `auth` is then as it was before, and the socket, if `active`, goes on with
   *         that.
   */
  login(credentials: AuthOption): Promise<User> {
    return this.#login.logIn(credentials) as Promise<User>
  }

  /**
   * Forgets `auth`, and logs out. A server that has no place for anonymous sockets then disconnects the socket.
   *
   * @throws RoomcastError `ACK_TIMEOUT`, `TOO_MANY_PENDING_ACKS`, or of the server. The socket has left its namespace then: nobody
   *         stays logged in.
   */
  logout(): Promise<void> {
    return this.#login.logOut()
  }

  /**
   * Watches who is in a room, if the server allows it. To be called once, and not at each `connect`: the watch goes on by itself.
   *
   * @param room  Name of the room; null for everybody in the namespace.
   * @returns The watch, as soon as all of the list is there.
   * @throws RoomcastError `WATCH_REFUSED`, `TOO_MANY_WATCHES`, `ACK_TIMEOUT` (after `ackTimeout`, the wait for a connection
   *         included), `DISCONNECTED`.
   */
  watchUsers(room: string | null = null, { mode = 'users' }: WatchOptions = {}): Promise<UserWatch<User>> {
    // The cast: what users look like is known to the server alone.
    return this.#watches.start(room, mode) as Promise<unknown> as Promise<UserWatch<User>>
  }

  /**
   * Sends an event, in the order of all other events of this socket. While not connected it waits in the
   * outbox, which is bounded.
   *
   * @param args  Arguments; any value of PROTOCOL.md, "Values". A function at the end is the ack, called with
   *              what the server's handler answers. If the call fails it is not called, and `error` is fired;
   *              use `timeout(ms)` or `emitWithAck` to be told.
   * @throws RoomcastError `INVALID_EVENT_NAME`, `RESERVED_EVENT`, `NOT_ENCODABLE`, `MESSAGE_TOO_LARGE`.
   */
  emit<Event extends EventNames<Emit>>(event: Event, ...args: EventArgs<Emit, Event>): this {
    this.#direct.emit(event, ...args)
    return this
  }

  /**
   * Sends an event and waits for the ack of the server's handler.
   *
   * @throws RoomcastError `ACK_TIMEOUT` (after `ackTimeout`, 10 s by default), `DISCONNECTED`, `OUTBOX_FULL`,
   *         `TOO_MANY_PENDING_ACKS`, the server's own code, and what {@link emit} throws.
   */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: DataArgs<Emit, Event>
  ): Promise<AckResult<Emit, Event>> {
    return this.#direct.emitWithAck(event, ...args)
  }

  /** Emits an event named `message`. */
  send(...args: EventArgs<Emit, 'message'>): this {
    return this.emit('message', ...args)
  }

  /** The same as {@link send}. */
  write(...args: EventArgs<Emit, 'message'>): this {
    return this.send(...args)
  }

  /**
   * @param ms  Milliseconds after which an ack fails with `ACK_TIMEOUT`, 1 to 2^31 - 1; the ack gets the error in front.
   * @throws RoomcastError `INVALID_OPTION`.
   */
  timeout(ms: number): DirectEmitter<Emit, true> {
    return this.#direct.timeout(ms)
  }

  /** Drops the event if the socket is not connected. */
  get volatile(): DirectEmitter<Emit, false> {
    return this.#direct.volatile
  }

  /**
   * How long the event waits for the connection.
   *
   * @param ms  Milliseconds, 1 to 2^31 - 1; then it fails with `OUTBOX_EXPIRED`.
   * @throws RoomcastError `INVALID_OPTION`.
   */
  maxAge(ms: number): DirectEmitter<Emit, false> {
    return this.#direct.maxAge(ms)
  }

  /** For code written for Socket.IO; the browser decides about compression. */
  compress(_compress: boolean): this {
    return this
  }

  /** @internal Sends one event, or keeps it. */
  deliver(event: string, data: readonly unknown[], flags: EmitFlags, settle: AckSettle | null): void {
    assertEmittable(event)
    this.notifyOutgoing(event, data)
    if (flags.volatile && !this.connected) {
      settle?.(new RoomcastError('DISCONNECTED', 'not connected'), [])
      return
    }
    this.#sender.emit(event, this.#link.encodeBody(event, data), flags, settle)
  }

  /** @internal A frame of the server for this namespace. */
  receive(message: ServerMessage): void {
    switch (message.type) {
      case EVENT:
        return deliverEvent(this, message, this.#answerTo(message.ackId))
      case ACK:
        return this.#sender.settle(message.ackId, null, message.body)
      case ACK_ERROR:
        return this.#sender.settle(message.ackId, toError(message.body))
      case ERROR:
        return this.fire('error', toError(message.body))
      case DISCONNECT: {
        const details = message.body && detailsOf(message.body)
        this.lastClose = details ?? this.lastClose
        return this.#end('io server disconnect', true, details)
      }
      case CONNECTED:
        return this.#onConnected(message)
      case NOTICE:
        return (message.body[0] === 'user' ? this.#login : this.#watches).onNotice(message.body)
    }
  }

  /** @internal Asks for the namespace, and anew if `auth` has changed since. */
  attach(): void {
    this.#phase = 'waiting'
    this.failures = 0
    this.#link.attach(this)
  }

  /** @internal */
  onUser(user: PublicUser | null): void {
    // The cast: for the compiler it is an event of the server, whatever its type is there.
    ;(this as unknown as { fire(event: string, user: unknown): void }).fire('user', user)
  }

  /** @internal An attempt failed; `isFinal` if there will be no other. */
  failAttempt(error: RoomcastError, isFinal: boolean): void {
    this.#login.settle(error)
    if (isFinal) this.#end(null, true)
    this.fire('connect_error', error)
  }

  /** @internal The link was lost; `isFinal` if it will not be opened again. */
  loseLink(reason: DisconnectReason, details: DisconnectDetails, isFinal: boolean): void {
    this.previous = details.code === ABNORMAL ? this.id : undefined
    this.lastClose = details
    this.#end(reason, isFinal, details)
  }

  /** @internal Never a process event: one faulty listener must not end a Node.js client. */
  override onListenerError(error: unknown, event: string): void {
    const hasListener = event !== 'error' && this.listenersOf('error').length > 0
    if (hasListener && error instanceof Error) this.fire('error', error)
    else super.onListenerError(error, event)
  }

  /** The answer belongs to the connection that asked: a later one has other calls with the same ids. */
  #answerTo(ackId: number): Answer | null {
    if (ackId < 0) return null
    const { id } = this
    const namespace = this.#namespace
    return (error, results) => {
      if (this.id !== id) return
      const type = error === null ? ACK : ACK_ERROR
      this.#link.sendFrame({ type, namespace, ackId }, error ?? results)
    }
  }

  #onConnected({ namespace, body }: MessageOf<typeof CONNECTED>): void {
    const { sid, previous } = body
    this.id = sid
    this.#namespace = namespace
    this.#phase = 'connected'
    this.failures = 0
    if (previous) this.lastClose = detailsOf(previous)
    this.previous = undefined
    // A listener may disconnect.
    this.#sender.greet(() => {
      this.#login.onConnected(body)
      if (this.id === sid) this.fire('connect')
    })
    if (this.id === sid) this.#watches.onConnected()
  }

  /** Leaves the connected state; fires `disconnect` if it was in it. The state is new before anybody is told. */
  #end(reason: DisconnectReason | null, isFinal: boolean, details?: DisconnectDetails): void {
    const wasConnected = this.connected
    this.#phase = isFinal ? 'idle' : 'waiting'
    this.id = undefined
    if (isFinal) this.#link.detach(this)
    this.#login.onEnd(isFinal)
    this.#sender.onDisconnect()
    if (wasConnected && reason !== null) this.fire('disconnect', reason, details)
  }
}

function detailsOf({ code, message }: EndBody): DisconnectDetails {
  return { code, message, verdict: closeVerdict(code) }
}
