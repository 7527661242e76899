import type {
  AckResult,
  BroadcastArgs,
  DataArgs,
  DefaultEventsMap,
  DefaultUser,
  EventArgs,
  EventNames,
  EventsMap,
  ListenableNames,
  ListenerFor,
  PublicUser,
} from '@roomcast/protocol'
import type { Login } from '../options/people-options'
import type { RoomPolicy } from '../options/room-options'
import type { Namespace, NamespaceMiddleware, NamespaceReservedEvents } from './namespace'
import type { RemoteSocket, RoomEmitter } from './room-emitter'
import type { UserList } from './user-list'

/** What a server has of its main namespace: Socket.IO's calls on `io`, and those about people. */
export abstract class MainNamespaceCalls<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = Listen,
  ServerSide extends EventsMap = DefaultEventsMap,
  // biome-ignore lint/suspicious/noExplicitAny: as in Socket.IO, `data` of untyped servers takes anything
  Data = any,
  User extends PublicUser = DefaultUser,
> {
  /** The main namespace, "/". */
  abstract get sockets(): Namespace<Listen, Emit, ServerSide, Data, User>

  /** As `Namespace.on`, on the main namespace. */
  on<Event extends ListenableNames<ServerSide, NamespaceReservedEvents<Listen, Emit, ServerSide, Data, User>>>(
    event: Event,
    listener: ListenerFor<ServerSide, NamespaceReservedEvents<Listen, Emit, ServerSide, Data, User>, Event>,
  ): this {
    this.sockets.on(event, listener)
    return this
  }

  /** As `Namespace.once`, on the main namespace. */
  once<Event extends ListenableNames<ServerSide, NamespaceReservedEvents<Listen, Emit, ServerSide, Data, User>>>(
    event: Event,
    listener: ListenerFor<ServerSide, NamespaceReservedEvents<Listen, Emit, ServerSide, Data, User>, Event>,
  ): this {
    this.sockets.once(event, listener)
    return this
  }

  /** As `Namespace.off`, on the main namespace. */
  off<Event extends ListenableNames<ServerSide, NamespaceReservedEvents<Listen, Emit, ServerSide, Data, User>>>(
    event?: Event,
    listener?: ListenerFor<ServerSide, NamespaceReservedEvents<Listen, Emit, ServerSide, Data, User>, Event>,
  ): this {
    this.sockets.off(event, listener)
    return this
  }

  /** As `Namespace.use`, on the main namespace. */
  use(middleware: NamespaceMiddleware<Listen, Emit, ServerSide, Data, User>): this {
    this.sockets.use(middleware)
    return this
  }

  /** As `Namespace.emit`, on the main namespace. */
  emit<Event extends EventNames<Emit>>(event: Event, ...args: BroadcastArgs<Emit, Event>): true {
    return this.sockets.emit(event, ...args)
  }

  /** As `Namespace.emitWithAck`, on the main namespace. */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: DataArgs<Emit, Event>
  ): Promise<AckResult<Emit, Event>[]> {
    return this.sockets.emitWithAck(event, ...args)
  }

  /** As `Namespace.send`, on the main namespace. */
  send(...args: EventArgs<Emit, 'message'>): this {
    this.sockets.send(...args)
    return this
  }

  /** The same as {@link send}. */
  write(...args: EventArgs<Emit, 'message'>): this {
    return this.send(...args)
  }

  /** As `Namespace.to`, on the main namespace. */
  to(room: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.sockets.to(room)
  }

  /** The same as {@link to}. */
  in(room: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.sockets.to(room)
  }

  /** As `Namespace.except`, on the main namespace. */
  except(room: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.sockets.except(room)
  }

  /** As `Namespace.volatile`, on the main namespace. */
  get volatile(): RoomEmitter<Emit, Data, User> {
    return this.sockets.volatile
  }

  /** As `Namespace.latest`, on the main namespace. */
  latest(key: string): RoomEmitter<Emit, Data, User> {
    return this.sockets.latest(key)
  }

  /** As `Namespace.local`, on the main namespace. */
  get local(): RoomEmitter<Emit, Data, User> {
    return this.sockets.local
  }

  /** As `Namespace.compress`, on the main namespace. */
  compress(compress: boolean): RoomEmitter<Emit, Data, User> {
    return this.sockets.compress(compress)
  }

  /** As `Namespace.timeout`, on the main namespace. */
  timeout(ms: number): RoomEmitter<Emit, Data, User> {
    return this.sockets.timeout(ms)
  }

  /** As `Namespace.fetchSockets`, on the main namespace. */
  fetchSockets(): Promise<RemoteSocket<Emit, Data, User>[]> {
    return this.sockets.fetchSockets()
  }

  /** As `Namespace.socketsJoin`, on the main namespace. */
  socketsJoin(room: string | readonly string[]): void {
    this.sockets.socketsJoin(room)
  }

  /** As `Namespace.socketsLeave`, on the main namespace. */
  socketsLeave(room: string | readonly string[]): void {
    this.sockets.socketsLeave(room)
  }

  /** As `Namespace.disconnectSockets`, on the main namespace. */
  disconnectSockets(close = false): void {
    this.sockets.disconnectSockets(close)
  }

  /** As `Namespace.toUser`, on the main namespace. */
  toUser(id: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.sockets.toUser(id)
  }

  /** As `Namespace.exceptUser`, on the main namespace. */
  exceptUser(id: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.sockets.exceptUser(id)
  }

  /** As `Namespace.useLogin`, on the main namespace. */
  useLogin(login: Login<User> | null): this {
    this.sockets.useLogin(login)
    return this
  }

  /** As `Namespace.rooms`, on the main namespace. */
  rooms(pattern: string, policy: RoomPolicy<User>): this {
    this.sockets.rooms(pattern, policy)
    return this
  }

  /** As `Namespace.users`, on the main namespace. */
  users(room?: string): UserList<User> {
    return this.sockets.users(room)
  }

  /** As `Namespace.online`, on the main namespace. */
  online(ids: readonly string[]): Promise<Set<string>> {
    return this.sockets.online(ids)
  }

  /** As `Namespace.updateUser`, on the main namespace. */
  updateUser(id: string, changes: Partial<Omit<User, 'id'>>): Promise<User> {
    return this.sockets.updateUser(id, changes)
  }
}
