import {
  assertEmittable,
  type ConnectBody,
  type DefaultEventsMap,
  type DefaultUser,
  type EventsMap,
  type PublicUser,
  RoomcastError,
} from '@roomcast/protocol'
import { deliverEvent } from '../inbound/deliver'
import { Inbox } from '../inbound/inbox'
import { type MessageOf, type ServerMessage, toError } from '../inbound/server-message'
import type { AuthOption, ResolvedOptions } from '../options'
import { type EmitFlags, EventSender } from '../outbound/event-sender'
import type { AckSettle } from '../outbound/pending-acks'
import { Login } from '../people/login'
import type { UserWatch, WatchOptions } from '../people/user-watch'
import { UserWatches } from '../people/user-watches'
import type { JoinOptions, Room } from '../rooms/room'
import { Rooms } from '../rooms/rooms'
import type { StreamOwner } from '../rooms/stream'
import { ABNORMAL, ACK, ACK_ERROR, CONNECTED, DISCONNECT, ERROR, EVENT, NOTICE } from '../tables'
import { EmittingSocket } from './emitting-socket'
import { NamespaceLink } from './namespace-link'
import { Session } from './session'
import type { WithGap, WithUser } from './socket-events'
import {
  type DisconnectDetails,
  type DisconnectReason,
  detailsOf,
  type LinkState,
  type SocketLink,
} from './socket-link'

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
> extends EmittingSocket<WithGap<WithUser<Listen, User>>, Emit> {
  /** Given by the server at each connect, the same again if it has resumed the session; undefined while not connected. */
  id: string | undefined
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
  /** The link is gone, and what has come before is handed on: nothing can be sent any more. */
  #isLost = false
  readonly #sender: EventSender
  readonly #login: Login
  readonly #watches: UserWatches
  readonly #rooms: Rooms
  readonly #session = new Session()
  readonly #inbox = new Inbox((message) => this.#handle(message))
  readonly #link: SocketLink
  readonly #namespace: NamespaceLink

  /** @internal */
  constructor(
    link: SocketLink,
    /** Name of the namespace, with its leading slash. */
    readonly nsp: string,
    options: ResolvedOptions,
  ) {
    super()
    this.#link = link
    const namespace = new NamespaceLink(link)
    this.#namespace = namespace
    this.auth = options.auth
    this.#sender = new EventSender(
      {
        isConnected: () => this.connected && !this.#isLost,
        userId: () => (this.#login.isOpen ? Symbol() : this.#login.user?.id),
        sendEvent: (...event) => namespace.sendEvent(...event),
        sendRequest: (ackId, body) => namespace.sendRequest(ackId, body),
        onLostEvent: (error) => this.fire('error', error),
      },
      options,
    )
    this.#login = new Login(this, this.#sender)
    this.#watches = new UserWatches(this, this.#sender)
    this.#rooms = new Rooms(
      {
        isConnected: () => this.connected,
        deliver: (message, room, isHeard) => this.#deliverEvent(message, room, isHeard),
        onFault: (error) => this.fire('error', error),
        onGap: (gap) => this.tell('gap', gap),
        hold: () => this.#inbox.hold(),
        readMessages: (items) => link.readMessages(items),
        onListenerError: (error, event) => this.onListenerError(error, event),
      },
      this.#sender,
    )
  }

  /** The connection beneath, with the reconnection events. */
  get io(): SocketLink {
    return this.#link
  }

  /** The same as {@link io}: by the name that it has on the server, with the numbers of what is sent. */
  get conn(): SocketLink {
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
   * Whether this connection goes on with the session of the one before, with its `id` and its rooms, and nothing that was sent
   * meanwhile is missing. False at the first connect, and on a server that keeps no sessions.
   */
  get recovered(): boolean {
    return this.#session.recovered
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
    try {
      if (this.connected) this.#namespace.sendDisconnect()
    } catch {
      // The server takes no frame at all.
    }
    this.#session.drop()
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
   * Joins a room, if the server's rules allow it. To be called once, and not at each `connect`: the room is joined again by itself.
   *
   * @param room    Its name, 1 to 200 bytes of text without control characters.
   * @param params  For the server's rules: any value; sent again at each reconnect.
   * @returns The room; the same again if it is joined already, after asking anew. Listeners that are attached right behind
   *          `await` miss nothing.
   * @throws RoomcastError `INVALID_ROOM_NAME`, `INVALID_OPTION`, `NOT_ENCODABLE`, `MESSAGE_TOO_LARGE`, `TOO_MANY_PENDING_ACKS`: nothing was
   *         asked; `JOIN_REFUSED`, `TOO_MANY_ROOMS`, or of the server's rules; `BAD_FRAME`, and the link is cut; `ACK_TIMEOUT` (the wait
   *         for a connection included), `DISCONNECTED`. Then the socket is not in the room, unless it was before.
   */
  join<State = unknown>(room: string, params: unknown = null, options: JoinOptions = {}): Promise<Room<Listen, State>> {
    // The cast: what a room shows and sends is known to the server alone.
    return this.#rooms.join(room, params, options) as Promise<unknown> as Promise<Room<Listen, State>>
  }

  /** @internal Sends one event, or keeps it. */
  override deliver(event: string, data: readonly unknown[], flags: EmitFlags, settle: AckSettle | null): void {
    assertEmittable(event)
    this.notifyOutgoing(event, data)
    const isConnected = this.connected && !this.#isLost
    if (flags.volatile && !(isConnected && this.#link.congestion === 'none')) {
      const code = isConnected ? 'OUTBOX_FULL' : 'DISCONNECTED'
      settle?.(new RoomcastError(code, `"${event}" would have to wait`), [])
      return
    }
    this.#sender.emit(event, this.#link.encodeBody(event, data), flags, settle)
  }

  /** @internal A frame of the server for this namespace. */
  receive(message: ServerMessage): void {
    this.#inbox.push(message)
  }

  #handle(message: ServerMessage): void {
    switch (message.type) {
      case EVENT:
        return message.room < 0 ? this.#deliverEvent(message, null) : this.#rooms.streams.receive(message)
      case ACK:
        return this.#sender.settle(message.ackId, null, message.body)
      case ACK_ERROR:
        return this.#sender.settle(message.ackId, toError(message.body))
      case ERROR:
        return this.fire('error', toError(message.body))
      case DISCONNECT: {
        const details = message.body && detailsOf(message.body)
        this.lastClose = details ?? this.lastClose
        this.#session.drop()
        return this.#end('io server disconnect', true, details)
      }
      case CONNECTED:
        return this.#onConnected(message)
      case NOTICE:
        // Each passes over what is not its own.
        if (message.body[0] === 'user') return this.#login.onNotice(message.body)
        this.#watches.onNotice(message.body)
        return this.#rooms.onNotice(message.body)
    }
  }

  /** @internal What CONNECT says. */
  connectBody(auth: unknown): ConnectBody {
    const { nsp, previous } = this
    const { streams } = this.#rooms
    const resume = this.#session.resume(streams.get(0)?.position ?? 0, streams.named())
    return { nsp, auth, previous, client: this.#session.client, resume }
  }

  /** @internal The next connection begins anew. */
  dropSession(): void {
    this.#session.drop()
  }

  /** @internal Asks for the namespace, and anew if `auth` has changed since. */
  attach(): void {
    this.#phase = 'waiting'
    this.failures = 0
    this.#link.attach(this)
  }

  /** @internal */
  onUser(user: PublicUser | null): void {
    this.#session.onUser(user?.id)
    this.tell('user', user)
  }

  /** @internal An attempt failed; `isFinal` if there will be no other. */
  failAttempt(error: RoomcastError, isFinal: boolean): void {
    this.#login.settle(error)
    if (isFinal) this.#end(null, true)
    this.fire('connect_error', error)
  }

  /** @internal The link was lost; `isFinal` if it will not be opened again. */
  loseLink(reason: DisconnectReason, details: DisconnectDetails, isFinal: boolean): void {
    // What has come has come before the end.
    this.#isLost = true
    this.#inbox.flush()
    this.#isLost = false
    if (!this.connected) return
    if (details.verdict === 'never') this.#session.drop()
    else this.#session.onLost()
    this.previous = details.code === ABNORMAL ? this.id : undefined
    this.lastClose = details
    this.#end(reason, isFinal, details)
  }

  #deliverEvent(message: MessageOf<typeof EVENT>, room: StreamOwner | null, isHeard = false): void {
    deliverEvent(this, message, isHeard ? null : this.#namespace.answerTo(message.ackId), room, isHeard)
  }

  #onConnected({ namespace, body }: MessageOf<typeof CONNECTED>): void {
    const { sid, previous } = body
    this.id = sid
    this.#namespace.begin(namespace)
    this.#phase = 'connected'
    this.failures = 0
    if (previous) this.lastClose = detailsOf(previous)
    this.previous = undefined
    const { named } = this.#session
    this.#session.onConnected(body)
    this.#rooms.onConnected(body, named)
    // A listener may disconnect.
    this.#sender.greet(() => {
      this.#login.onConnected(body)
      if (this.id === sid) this.fire('connect')
    })
    if (this.id === sid) this.#watches.onConnected()
    this.#rooms.tell()
  }

  /** Leaves the connected state; fires `disconnect` if it was in it. The state is new before anybody is told. */
  #end(reason: DisconnectReason | null, isFinal: boolean, details?: DisconnectDetails): void {
    const wasConnected = this.connected
    this.#phase = isFinal ? 'idle' : 'waiting'
    this.id = undefined
    this.#namespace.end()
    this.#inbox.clear()
    if (isFinal) this.#link.detach(this)
    this.#rooms.onEnd()
    this.#login.onEnd(isFinal)
    this.#sender.onDisconnect()
    if (wasConnected && reason !== null) this.fire('disconnect', reason, details)
  }
}
