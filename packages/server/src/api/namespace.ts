import {
  type AckResult,
  type AnyListener,
  assertEmittable,
  type BroadcastArgs,
  callListener,
  type DataArgs,
  type DefaultEventsMap,
  Emitter,
  type EventArgs,
  type EventNames,
  type EventsMap,
  encodeFrame,
  LIMITS,
  MESSAGE_TYPES,
  RoomcastError,
} from '@roomcast/protocol'
import type { AckOutcome } from '../connection/pending-acks'
import { Broadcaster, type Targets } from '../egress/broadcaster'
import { RoomIndex } from '../rooms/room-index'
import { AdapterView } from './adapter-view'
import { BroadcastCall } from './broadcast-call'
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

/** Events that the library fires on a namespace. */
export interface NamespaceReservedEvents<
  Listen extends EventsMap,
  Emit extends EventsMap,
  ServerSide extends EventsMap,
  Data,
> {
  /** A socket was admitted. Events it sends wait until a returned promise has settled. */
  connection: (socket: Socket<Listen, Emit, ServerSide, Data>) => void
  /** The same as `connection`. */
  connect: (socket: Socket<Listen, Emit, ServerSide, Data>) => void
  /** A namespace was created. Fired on the main namespace. */
  new_namespace: (namespace: Namespace<Listen, Emit, ServerSide, Data>) => void
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
> = (socket: Socket<Listen, Emit, ServerSide, Data>, next: (error?: Error & { data?: unknown }) => void) => unknown

/** A namespace whose event maps do not matter. */
// biome-ignore lint/suspicious/noExplicitAny: variance: a namespace of any event maps has to fit
export type AnyNamespace = Namespace<any, any, any, any>

/** Sockets that share a name, a set of rooms and their middleware. Created with `io.of(name)`. */
export class Namespace<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = Listen,
  ServerSide extends EventsMap = DefaultEventsMap,
  // biome-ignore lint/suspicious/noExplicitAny: as in Socket.IO, `data` of untyped servers takes anything
  Data = any,
> extends Emitter<ServerSide, NamespaceReservedEvents<Listen, Emit, ServerSide, Data>> {
  /** Rooms and sockets of the namespace, and events about them. Read-only. */
  readonly adapter: AdapterView
  /** @internal Middleware of `use`. */
  middleware: readonly NamespaceMiddleware<Listen, Emit, ServerSide, Data>[] = []

  /** @internal The pattern that made it: its listeners hold here too. */
  parent: Pick<Emitter<EventsMap, EventsMap>, 'listenersOf'> | null = null

  private readonly index: RoomIndex<AnySocket>
  private readonly broadcaster: Broadcaster<AnySocket>
  private readonly calls = new Map<number, BroadcastCall<AnySocket>>()
  private lastCallId = 1
  private outgoingListeners = 0
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
    this.index = new RoomIndex(number, this.adapter)
    this.adapter.observe(this.index)
    this.broadcaster = new Broadcaster(this.index, runtime.turn)
  }

  /** The sockets of the namespace by id. Live and read-only. */
  get sockets(): ReadonlyMap<string, Socket<Listen, Emit, ServerSide, Data>> {
    return this.index.members
  }

  /** Adds a middleware that every connecting socket passes, in order of registration. */
  use(middleware: NamespaceMiddleware<Listen, Emit, ServerSide, Data>): this {
    this.middleware = [...this.middleware, middleware]
    return this
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
  to(room: string | readonly string[]): RoomEmitter<Emit, Data> {
    return this.everybody().to(room)
  }

  /** The same as {@link to}. */
  in(room: string | readonly string[]): RoomEmitter<Emit, Data> {
    return this.to(room)
  }

  /** Everybody who is not in these rooms. As `RoomEmitter.except`. */
  except(room: string | readonly string[]): RoomEmitter<Emit, Data> {
    return this.everybody().except(room)
  }

  /** As `RoomEmitter.volatile`. */
  get volatile(): RoomEmitter<Emit, Data> {
    return this.everybody().volatile
  }

  /** As `RoomEmitter.local`. */
  get local(): RoomEmitter<Emit, Data> {
    return this.everybody().local
  }

  /** As `RoomEmitter.compress`. */
  compress(compress: boolean): RoomEmitter<Emit, Data> {
    return this.everybody().compress(compress)
  }

  /** As `RoomEmitter.timeout`. */
  timeout(ms: number): RoomEmitter<Emit, Data> {
    return this.everybody().timeout(ms)
  }

  /** As `RoomEmitter.fetchSockets`. */
  fetchSockets(): Promise<RemoteSocket<Emit, Data>[]> {
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
    if (this.outgoingListeners > 0) {
      for (const socket of this.broadcaster.select(targets)) socket.notifyOutgoing(event, args)
    }
    if (settle === null && !this.broadcaster.mayReach(targets)) return
    const { codec } = this.runtime
    if (settle !== null) this.lastCallId += 2
    const ackId = settle === null ? -1 : this.lastCallId
    const frame = encodeFrame(codec, { type: MESSAGE_TYPES.EVENT, namespace: this.number, ackId, event }, args)
    if (settle !== null && !this.openCall(ackId, targets, flags, settle)) return
    this.broadcaster.publish(targets, frame, flags)
    this.calls.get(ackId)?.finishIfComplete()
  }

  /** @internal */
  select(targets: Targets): Iterable<AnySocket> {
    return this.broadcaster.select(targets)
  }

  /** @internal An answer of a socket to a broadcast. */
  answerCall(socket: AnySocket, ackId: number, error: RoomcastError | null, args: readonly unknown[]): AckOutcome {
    if (this.calls.get(ackId)?.answer(socket, error, args)) return 'settled'
    return ackId <= this.lastCallId ? 'late' : 'unknown'
  }

  /** @internal Puts a socket that passed the middleware into the namespace. */
  add(socket: AnySocket): void {
    this.runtime.turn.flush()
    this.index.add(socket)
  }

  /** @internal */
  join(socket: AnySocket, room: string): void {
    this.runtime.turn.flush()
    this.index.join(socket, room)
  }

  /** @internal */
  leave(socket: AnySocket, room: string): void {
    this.runtime.turn.flush()
    this.index.leave(socket, room)
  }

  /** @internal */
  roomsOf(socket: AnySocket): Set<string> {
    return this.index.roomsOf(socket)
  }

  /** @internal */
  remove(socket: AnySocket): void {
    this.runtime.turn.flush()
    this.index.remove(socket)
    for (const call of this.calls.values()) call.leave(socket)
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
  noteOutgoingListeners(change: number): void {
    this.outgoingListeners += change
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

  private reportIfEmpty(): void {
    if (this.index.members.size === 0 && this.candidates === 0) this.onEmpty(this)
  }

  private everybody(): RoomEmitter<Emit, Data> {
    return new RoomEmitter(this, EVERYBODY, NO_FLAGS)
  }

  private openCall(ackId: number, targets: Targets, flags: EmitFlags, settle: BroadcastSettle): boolean {
    const guarded: BroadcastSettle = (...outcome) =>
      callListener(settle, undefined, outcome, (fault) => this.onListenerError(fault, 'ack'))
    if (this.calls.size >= LIMITS.pendingBroadcasts) {
      guarded(new RoomcastError('TOO_MANY_PENDING_ACKS', `${LIMITS.pendingBroadcasts} broadcasts wait for answers`), [])
      return false
    }
    const { wheel, ackTimeoutMs } = this.runtime
    const timeoutMs = flags.timeoutMs ?? ackTimeoutMs
    const done = () => this.calls.delete(ackId)
    this.calls.set(ackId, new BroadcastCall(this.broadcaster.select(targets), timeoutMs, wheel, guarded, done))
    return true
  }
}
