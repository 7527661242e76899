import {
  type BroadcastArgs,
  type DefaultUser,
  Emitter,
  type EventNames,
  type EventsMap,
  type PublicUser,
  RoomcastError,
} from '@roomcast/protocol'
import type { Targets } from '../egress/broadcaster'
import { type Login, type PresencePolicy, resolvePresence } from '../options/people-options'
import { type RoomPolicy, resolveRoomPolicy } from '../options/room-options'
import type { AnyNamespace, NamespaceMiddleware, NamespaceReservedEvents } from './namespace'
import {
  type BroadcastHost,
  type BroadcastSettle,
  type EmitFlags,
  EVERYBODY,
  NO_FLAGS,
  type RemoteSocket,
  RoomEmitter,
} from './room-emitter'
import type { Runtime } from './runtime'

/** Decides whether a namespace may be created: `next(null, true)` allows it. */
export type NamespaceMatcher = (
  name: string,
  auth: unknown,
  next: (error?: Error | null, allow?: boolean) => void,
) => unknown

/**
 * A pattern of namespaces: the first client of a matching name creates the namespace. Middleware and
 * listeners of the parent hold for every child; an emit goes to all of them.
 */
export class ParentNamespace<
  Listen extends EventsMap,
  Emit extends EventsMap,
  ServerSide extends EventsMap,
  Data,
  User extends PublicUser = DefaultUser,
> extends Emitter<ServerSide, NamespaceReservedEvents<Listen, Emit, ServerSide, Data, User>> {
  /** @internal */
  readonly children = new Set<AnyNamespace>()
  /** @internal */
  readonly inside: BroadcastHost['inside'] = {
    releaseDetached: (targets, rooms) => {
      for (const child of this.children) child.inside.releaseDetached(targets, rooms)
    },
    enterDetached: (targets, rooms) => {
      for (const child of this.children) child.inside.enterDetached(targets, rooms)
    },
    history: () => {
      throw new RoomcastError(
        'INVALID_OPTION',
        'history is of a room of one namespace, not of all that match a pattern',
      )
    },
  }
  private middleware: readonly NamespaceMiddleware<Listen, Emit, ServerSide, Data, User>[] = []
  /** undefined: as the server's. */
  private login: Login<User> | null | undefined
  private readonly policies: { readonly pattern: string; readonly policy: RoomPolicy<User> }[] = []

  /** @internal */
  constructor(
    /** @internal */
    readonly matcher: NamespaceMatcher,
    /** @internal What the names have to match, if that can be told without asking. */
    readonly pattern: RegExp | null,
    private readonly runtime: Runtime,
  ) {
    super()
  }

  /** Adds a middleware to every child created from now on. */
  use(middleware: NamespaceMiddleware<Listen, Emit, ServerSide, Data, User>): this {
    this.middleware = [...this.middleware, middleware]
    return this
  }

  /** As `Namespace.useLogin`, for every child created from now on. */
  useLogin(login: Login<User> | null): this {
    this.login = login
    return this
  }

  /** As `Namespace.rooms`, for every child created from now on. @throws RoomcastError `INVALID_OPTION`. */
  rooms(pattern: string, policy: RoomPolicy<User>): this {
    resolveRoomPolicy(pattern, policy as RoomPolicy)
    resolvePresence('presence', (policy.presence ?? {}) as PresencePolicy, this.runtime.people.presence)
    this.policies.push({ pattern, policy })
    return this
  }

  /** Sends an event to every socket of every child. As `RoomEmitter.emit`. */
  emit<Event extends EventNames<Emit>>(event: Event, ...args: BroadcastArgs<Emit, Event>): true {
    return this.everybody().emit(event, ...args)
  }

  /** The members of rooms, in every child. As `RoomEmitter.to`. */
  to(room: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.everybody().to(room)
  }

  /** The same as {@link to}. */
  in(room: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.to(room)
  }

  /** The sockets of users, in every child. As `RoomEmitter.toUser`. */
  toUser(id: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.everybody().toUser(id)
  }

  /** Everybody but these users, in every child. As `RoomEmitter.exceptUser`. */
  exceptUser(id: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.everybody().exceptUser(id)
  }

  /** Everybody who is not in these rooms, in every child. As `RoomEmitter.except`. */
  except(room: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.everybody().except(room)
  }

  /** The sockets of every child. */
  fetchSockets(): Promise<RemoteSocket<Emit, Data, User>[]> {
    return this.everybody().fetchSockets()
  }

  /** @internal */
  broadcast(
    targets: Targets,
    flags: EmitFlags,
    event: string,
    args: readonly unknown[],
    settle: BroadcastSettle | null,
  ): void {
    const children = [...this.children]
    let waiting = children.length
    let failure: RoomcastError | null = null
    const all: unknown[] = []
    const settleOne: BroadcastSettle = (error, responses) => {
      failure ??= error
      all.push(...responses)
      if (--waiting === 0) settle?.(failure, all)
    }
    if (waiting === 0) settle?.(null, all)
    for (const child of children) child.broadcast(targets, flags, event, args, settle && settleOne)
  }

  /** @internal */
  *select(targets: Targets): Iterable<RemoteSocket<EventsMap, unknown>> {
    for (const child of this.children) yield* child.select(targets)
  }

  /** @internal Gives a new child what the parent has. */
  adopt(child: AnyNamespace): void {
    for (const middleware of this.middleware) child.use(middleware)
    if (this.login !== undefined) child.useLogin(this.login as Login | null)
    for (const { pattern, policy } of this.policies) child.rooms(pattern, policy as RoomPolicy)
    child.parent = this
    this.children.add(child)
  }

  private everybody(): RoomEmitter<Emit, Data, User> {
    return new RoomEmitter(this, EVERYBODY, NO_FLAGS)
  }

  /** @internal */
  override onListenerError(error: unknown, event: string): void {
    this.runtime.reportFault(error, { where: 'listener', name: event })
  }
}
