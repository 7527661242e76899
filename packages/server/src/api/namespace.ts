import {
  type AckResult,
  type AnyListener,
  assertEmittable,
  assertRoomName,
  type BroadcastArgs,
  type DataArgs,
  type DefaultEventsMap,
  type DefaultUser,
  Emitter,
  type EventArgs,
  type EventNames,
  type EventsMap,
  encodeFrame,
  MESSAGE_TYPES,
  type PublicUser,
  type RoomcastError,
} from '@roomcast/protocol'
import type { AckOutcome } from '../connection/pending-acks'
import { type EmittedValue, latestWithAck } from '../delivery/latest-values'
import type { Targets } from '../egress/broadcaster'
import type { Login, PresencePolicy } from '../options/people-options'
import { type RoomPolicy, resolveRoomPolicy } from '../options/room-options'
import { AdapterView } from './adapter-view'
import { BroadcastCalls } from './broadcast-calls'
import { NamespacePeople } from './namespace-people'
import { NamespaceRooms } from './namespace-rooms'
import { NamespaceSessions } from './namespace-sessions'
import {
  type BroadcastSettle,
  type EmitFlags,
  EVERYBODY,
  NO_FLAGS,
  type RemoteSocket,
  RoomEmitter,
} from './room-emitter'
import type { Runtime } from './runtime'
import type { AnySocket, Socket } from './socket'
import type { DisconnectDetails } from './socket-events'
import { UserList } from './user-list'

/** Events that the library fires on a namespace. */
export interface NamespaceReservedEvents<
  Listen extends EventsMap,
  Emit extends EventsMap,
  ServerSide extends EventsMap,
  Data,
  User extends PublicUser = DefaultUser,
> {
  /** A socket was admitted. Events it sends wait until a returned promise has settled. */
  connection: (socket: Socket<Listen, Emit, ServerSide, Data, User>) => void
  /** The same as `connection`. */
  connect: (socket: Socket<Listen, Emit, ServerSide, Data, User>) => void
  /** A connected socket logged in: `socket.user` is new. Not fired for those that connect as somebody. */
  login: (socket: Socket<Listen, Emit, ServerSide, Data, User>, before: User | null) => void
  /** A socket logged out, or is about to be somebody else. It has left its rooms. */
  logout: (socket: Socket<Listen, Emit, ServerSide, Data, User>, user: User) => void
  /** A namespace was created. Fired on the main namespace. */
  new_namespace: (namespace: Namespace<Listen, Emit, ServerSide, Data, User>) => void
}

/**
 * Runs before a socket is admitted: `next()` goes on, `next(error)` refuses with the error's message and
 * `data`. A throw or rejection refuses too, without the error's text unless it is a RoomcastError.
 */
export type NamespaceMiddleware<
  Listen extends EventsMap,
  Emit extends EventsMap,
  ServerSide extends EventsMap,
  Data,
  User extends PublicUser = DefaultUser,
> = (
  socket: Socket<Listen, Emit, ServerSide, Data, User>,
  next: (error?: Error & { data?: unknown }) => void,
) => unknown

/** A namespace whose event maps do not matter. */
// biome-ignore lint/suspicious/noExplicitAny: variance: a namespace of any event maps has to fit
export type AnyNamespace = Namespace<any, any, any, any, any>

/** Sockets that share a name, a set of rooms and their middleware. Created with `io.of(name)`. */
export class Namespace<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = Listen,
  ServerSide extends EventsMap = DefaultEventsMap,
  // biome-ignore lint/suspicious/noExplicitAny: as in Socket.IO, `data` of untyped servers takes anything
  Data = any,
  User extends PublicUser = DefaultUser,
> extends Emitter<ServerSide, NamespaceReservedEvents<Listen, Emit, ServerSide, Data, User>> {
  /** Rooms and sockets of the namespace, and events about them. Read-only. */
  readonly adapter: AdapterView
  /** @internal */
  readonly people: NamespacePeople
  /** @internal */
  readonly inside: NamespaceRooms
  /** @internal */
  readonly resumable: NamespaceSessions
  /** @internal Middleware of `use`. */
  middleware: readonly NamespaceMiddleware<Listen, Emit, ServerSide, Data, User>[] = []

  /** @internal The pattern that made it: its listeners hold here too. */
  parent: Pick<Emitter<EventsMap, EventsMap>, 'listenersOf'> | null = null

  private readonly calls: BroadcastCalls
  /** Sockets with listeners of `onAnyOutgoing`. */
  private readonly observed = new Set<AnySocket>()
  private candidates = 0

  /** @internal */
  constructor(
    /** Name with its leading slash; "/" is the main namespace. */
    readonly name: string,
    /** @internal Number in frames, unique on this server; 0 is the main namespace. */
    readonly number: number,
    /** @internal */
    readonly runtime: Runtime,
    private readonly onEmpty: (namespace: AnyNamespace) => void,
  ) {
    super()
    this.adapter = new AdapterView(name, runtime.reportFault)
    this.people = new NamespacePeople(this)
    this.inside = new NamespaceRooms(this)
    this.resumable = new NamespaceSessions(this)
    this.calls = new BroadcastCalls(runtime, (error, event) => this.onListenerError(error, event))
  }

  /** The sockets of the namespace by id. Live and read-only. */
  get sockets(): ReadonlyMap<string, Socket<Listen, Emit, ServerSide, Data, User>> {
    return this.inside.index.members
  }

  /** Adds a middleware that every connecting socket passes, in order of registration. */
  use(middleware: NamespaceMiddleware<Listen, Emit, ServerSide, Data, User>): this {
    this.middleware = [...this.middleware, middleware]
    return this
  }

  /**
   * Turns the credentials of this namespace into users, instead of the server's `login`.
   *
   * @param login  null: everybody is anonymous here.
   */
  useLogin(login: Login<User> | null): this {
    this.people.login = login as Login | null
    return this
  }

  /**
   * Rules for the rooms whose name matches; of several patterns the first that matches holds. Say it before clients come: a room is what it was when its first member joined.
   *
   * @param pattern  A room name, where `*` stands for any text.
   * @throws RoomcastError `INVALID_OPTION`.
   */
  rooms(pattern: string, policy: RoomPolicy<User>): this {
    const resolved = resolveRoomPolicy(pattern, policy as RoomPolicy)
    this.people.setPolicy(pattern, (policy.presence ?? {}) as PresencePolicy)
    this.inside.setPolicy(pattern, resolved)
    return this
  }

  /**
   * Who is in a room, or in the namespace: users, not sockets.
   *
   * @throws RoomcastError `INVALID_ROOM_NAME`.
   */
  users(room?: string): UserList<User> {
    if (room !== undefined) assertRoomName(room)
    return new UserList(this.people.known.rosters, room ?? null)
  }

  /** Which of these users are online in the namespace. */
  async online(ids: readonly string[]): Promise<Set<string>> {
    const found = await Promise.all(ids.map((id) => this.users().get(id)))
    return new Set(ids.filter((_, index) => found[index] !== undefined))
  }

  /**
   * Changes fields of a user's profile, for all their sockets and all lists; undefined takes a field away.
   *
   * @returns The user as it is now.
   * @throws RoomcastError `USER_NOT_ONLINE`, `NAME_IN_USE`, `INVALID_NAME`, `INVALID_USER`; then nothing has changed.
   */
  async updateUser(id: string, changes: Partial<Omit<User, 'id'>>): Promise<User> {
    return this.people.known.update(id, changes) as unknown as User
  }

  /** Sends an event to every socket of the namespace. As `RoomEmitter.emit`. */
  emit<Event extends EventNames<Emit>>(event: Event, ...args: BroadcastArgs<Emit, Event>): true {
    return this.everybody().emit(event, ...args)
  }

  /** As `RoomEmitter.emitWithAck`, for every socket of the namespace. */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: DataArgs<Emit, Event>
  ): Promise<AckResult<Emit, Event>[]> {
    return this.everybody().emitWithAck(event, ...args)
  }

  /** Emits an event named `message`. */
  send(...args: EventArgs<Emit, 'message'>): this {
    this.everybody().emit('message', ...(args as BroadcastArgs<Emit, 'message'>))
    return this
  }

  /** The same as {@link send}. */
  write(...args: EventArgs<Emit, 'message'>): this {
    return this.send(...args)
  }

  /** The members of rooms. As `RoomEmitter.to`. */
  to(room: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.everybody().to(room)
  }

  /** The same as {@link to}. */
  in(room: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.to(room)
  }

  /** Everybody who is not in these rooms. As `RoomEmitter.except`. */
  except(room: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.everybody().except(room)
  }

  /** The sockets of users. As `RoomEmitter.toUser`. */
  toUser(id: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.everybody().toUser(id)
  }

  /** Everybody but these users. As `RoomEmitter.exceptUser`. */
  exceptUser(id: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.everybody().exceptUser(id)
  }

  /** As `RoomEmitter.volatile`. */
  get volatile(): RoomEmitter<Emit, Data, User> {
    return this.everybody().volatile
  }

  /** As `RoomEmitter.latest`. */
  latest(key: string): RoomEmitter<Emit, Data, User> {
    return this.everybody().latest(key)
  }

  /** As `RoomEmitter.local`. */
  get local(): RoomEmitter<Emit, Data, User> {
    return this.everybody().local
  }

  /** As `RoomEmitter.compress`. */
  compress(compress: boolean): RoomEmitter<Emit, Data, User> {
    return this.everybody().compress(compress)
  }

  /** As `RoomEmitter.timeout`. */
  timeout(ms: number): RoomEmitter<Emit, Data, User> {
    return this.everybody().timeout(ms)
  }

  /** As `RoomEmitter.fetchSockets`. */
  fetchSockets(): Promise<RemoteSocket<Emit, Data, User>[]> {
    return this.everybody().fetchSockets()
  }

  /** As `RoomEmitter.socketsJoin`. */
  socketsJoin(room: string | readonly string[]): void {
    this.everybody().socketsJoin(room)
  }

  /** As `RoomEmitter.socketsLeave`. */
  socketsLeave(room: string | readonly string[]): void {
    this.everybody().socketsLeave(room)
  }

  /** As `RoomEmitter.disconnectSockets`. */
  disconnectSockets(close = false): void {
    this.everybody().disconnectSockets(close)
  }

  /** @internal */
  broadcast(
    targets: Targets,
    flags: EmitFlags,
    event: string,
    args: readonly unknown[],
    settle: BroadcastSettle | null,
  ): void {
    assertEmittable(event)
    if (settle !== null && flags.latestKey !== undefined) throw latestWithAck()
    if (this.observed.size > 0) {
      for (const socket of this.inside.select(targets)) socket.notifyOutgoing(event, args)
    }
    if (settle === null && !this.inside.mayReach(targets)) return
    const value = settle === null ? this.inside.valueOf(targets, flags, event, args) : null
    const keys = value === null ? this.inside.streams.keysOf(targets.rooms, event, args) : null
    const { codec } = this.runtime
    const ackId = settle === null ? -1 : this.calls.nextId()
    const frame = encodeFrame(codec, { type: MESSAGE_TYPES.EVENT, namespace: this.number, ackId, event }, args)
    if (settle !== null && !this.calls.add(ackId, this.inside.select(targets), flags.timeoutMs, settle)) return
    if (keys === null) this.inside.emitValue(targets, flags, frame, value as EmittedValue)
    else this.inside.emit(targets, flags, frame, keys)
    this.calls.sent(ackId)
  }

  /** @internal */
  select(targets: Targets): Iterable<AnySocket> {
    return this.inside.select(targets)
  }

  /** @internal Whether an answer of a socket to a broadcast is awaited. */
  awaitsAnswer(socket: AnySocket, ackId: number): boolean {
    return this.calls.awaits(socket, ackId)
  }

  /** @internal An answer of a socket to a broadcast. */
  answerCall(socket: AnySocket, ackId: number, error: RoomcastError | null, args: readonly unknown[]): AckOutcome {
    return this.calls.answer(socket, ackId, error, args)
  }

  /** @internal Puts a socket that passed the middleware into the namespace. */
  add(socket: AnySocket): void {
    this.runtime.turn.flush()
    this.inside.index.add(socket)
  }

  /** @internal @param details  How the link ended, if it did. @param isFinal  Somebody decided it. */
  remove(socket: AnySocket, details: DisconnectDetails | undefined, isFinal: boolean): void {
    this.inside.settle(socket)
    this.people.gone(socket, details)
    this.resumable.onGone(socket, isFinal)
    this.inside.remove(socket)
    this.calls.leave(socket)
    this.reportIfEmpty()
  }

  /** @internal A client asks for the namespace; it is not empty until {@link releaseCandidate}. */
  addCandidate(): void {
    this.candidates++
  }

  /** @internal The client was admitted, refused or is gone. */
  releaseCandidate(): void {
    this.candidates--
    this.reportIfEmpty()
  }

  /** @internal */
  observe(socket: AnySocket, isObserved: boolean): void {
    if (isObserved) this.observed.add(socket)
    else this.observed.delete(socket)
  }

  /** @internal */
  override listenersOf(event: string): readonly AnyListener[] {
    const own = super.listenersOf(event)
    return this.parent === null ? own : [...this.parent.listenersOf(event), ...own]
  }

  /** @internal */
  override onListenerError(error: unknown, event: string): void {
    this.runtime.reportFault(error, { where: 'listener', name: `${this.name} ${event}` })
  }

  /** @internal Lets the registry remove it, if nobody is there or on the way. */
  reportIfEmpty(): void {
    // Who is expected back finds the lists as they were.
    const isEmpty = this.sockets.size === 0 && this.candidates === 0 && this.people.size === 0
    if (isEmpty && !this.resumable.isAwaited) this.onEmpty(this)
  }

  private everybody(): RoomEmitter<Emit, Data, User> {
    return new RoomEmitter(this, EVERYBODY, NO_FLAGS)
  }
}
