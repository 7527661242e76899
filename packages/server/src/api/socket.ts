import {
  assertRoomName,
  type CatchAllListener,
  type DefaultEventsMap,
  type DefaultUser,
  type EventsMap,
  encodeFrame,
  MESSAGE_TYPES,
  type PublicUser,
  type RoomcastError,
} from '@roomcast/protocol'
import type { Connection, DisconnectReason } from '../connection/connection'
import { buildHandshake, type Handshake } from '../connection/handshake'
import type { AckOutcome, AckSettle, PendingAcks } from '../connection/pending-acks'
import type { WirePort } from '../connection/wire-port'
import { Tracking } from '../delivery/tracking'
import type { MemberLogin } from '../people/account'
import type { Joined } from '../rooms/joined'
import type { Room } from '../rooms/room-index'
import { ConnectionView } from './connection-view'
import { deliverDirect } from './deliver-direct'
import type { HeldFrames, RunningTurns } from './held-frames'
import { type EmitFlags, RoomEmitter, roomNames } from './room-emitter'
import { SocketCalls } from './socket-calls'
import { type DisconnectDetails, isDecided, type SocketMiddleware } from './socket-events'
import type { SocketHost, SocketNamespace } from './socket-host'
import { newSocketId } from './socket-id'
import { type Listeners, SocketListeners } from './socket-listeners'

/** A socket whose event maps do not matter. */
// biome-ignore lint/suspicious/noExplicitAny: variance: a socket of any event maps has to fit
export type AnySocket = Socket<any, any, any, any, any>

/**
 * One client in one namespace: what handlers talk to.
 *
 *   pending ──admitted──► connected ──disconnect──► disconnected
 *
 * While middleware runs it is pending: rooms joined are joined when it is admitted, emits return false.
 */
export class Socket<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = Listen,
  ServerSide extends EventsMap = DefaultEventsMap,
  // biome-ignore lint/suspicious/noExplicitAny: as in Socket.IO, `data` of untyped servers takes anything
  Data = any,
  User extends PublicUser = DefaultUser,
> extends SocketCalls<Listen, Emit, Data, User> {
  /** Public id, unique over all servers; also the name of a room with this socket alone. 20 characters. */
  readonly id: string = newSocketId()
  /**
   * Whether the client went on with a session of before, and got everything that it had missed. The option `connectionStateRecovery`.
   */
  readonly recovered: boolean = false
  /** @internal */
  joined: Joined<Room<this>> = null
  /** @internal */
  hasOwnTopic = false
  /** @internal Who it is; null for anonymous sockets. */
  login: MemberLogin<this> | null = null
  /** @internal Middleware of `use`. */
  middleware: readonly SocketMiddleware[] | null = null
  /** @internal Streams it is in; null until there are any. */
  tracking: Tracking | null = null
  /** @internal Secret of the client's own making; null if it gave none. */
  clientSecret: string | null = null
  /** @internal Calls that wait for an answer; null until the first. */
  acks: PendingAcks | null = null
  /** @internal Frames that wait for an asynchronous handler, or for a login. */
  held: HeldFrames | null = null
  /** @internal Null until a handler takes its time. */
  turns: RunningTurns | null = null

  private phase: 'connected' | 'disconnected' | 'pending' = 'pending'
  private lazyData: Data | undefined = undefined
  private lazyHandshake: Handshake | null = null
  private roomsWhenAdmitted: string[] | null = null

  /** @internal */
  constructor(
    /** @internal */
    readonly host: SocketHost<AnySocket>,
    /** @internal */
    readonly connection: Connection<AnySocket>,
    private readonly auth: unknown,
  ) {
    super()
  }

  /** Whether events can be sent and received. */
  get connected(): boolean {
    return this.phase === 'connected'
  }

  /** The inverse of {@link connected}. */
  get disconnected(): boolean {
    return !this.connected
  }

  /** Anything the application wants to keep with the socket. Starts as an empty object. */
  get data(): Data {
    this.lazyData ??= {} as Data
    return this.lazyData
  }

  set data(data: Data) {
    this.lazyData = data
  }

  /** @internal */
  track(): Tracking {
    this.tracking ??= new Tracking(this.host.runtime.doubtMs)
    return this.tracking
  }

  /** @internal Undefined if nobody has asked for it. */
  get dataIfUsed(): unknown {
    return this.lazyData
  }

  /** The user, as the login gave it; null for anonymous sockets. The same object for all devices of the user. */
  get user(): User | null {
    return (this.login?.user ?? null) as User | null
  }

  /** What the login gave for the server alone; undefined for anonymous sockets. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever the application's login returned
  get claims(): any {
    return this.login?.identity.claims
  }

  /** What the client said when it connected. `auth` is unchecked input. */
  get handshake(): Handshake {
    this.lazyHandshake ??= buildHandshake(this.connection, this.host.runtime.isSecure, this.auth ?? {})
    return this.lazyHandshake
  }

  /** Names of the rooms the socket is in, its own id first. A copy. */
  get rooms(): Set<string> {
    return this.host.inside.index.roomsOf(this)
  }

  /** The namespace. */
  get nsp(): SocketNamespace<Socket<Listen, Emit, ServerSide, Data, User>, Emit, Data, User> {
    return this.host as unknown as SocketNamespace<Socket<Listen, Emit, ServerSide, Data, User>, Emit, Data, User>
  }

  /** The connection beneath, which the client's other namespaces share. */
  get conn(): ConnectionView {
    return new ConnectionView(this.connection, this.host.runtime)
  }

  /** @internal */
  get namespaceNumber(): number {
    return this.host.number
  }

  /** @internal */
  sharedBytes(): number {
    return this.host.inside.index.sharedBytes(this)
  }

  /** @internal */
  get wire(): WirePort | undefined {
    return this.connection.phase === 'closed' ? undefined : this.connection.port
  }

  /** Joins rooms. @throws RoomcastError `INVALID_ROOM_NAME`. */
  join(room: string | readonly string[]): void {
    for (const name of roomNames(room)) {
      if (this.phase === 'connected') this.host.inside.join(this, name)
      else if (this.phase === 'pending') this.roomsWhenAdmitted = [...(this.roomsWhenAdmitted ?? []), name]
    }
  }

  /**
   * Leaves a room. A barrier: of what is emitted to the room later nothing reaches this socket. Its own-id
   * room a socket leaves only with the namespace. @throws RoomcastError `INVALID_ROOM_NAME`.
   */
  leave(room: string): void {
    assertRoomName(room)
    if (this.phase === 'connected') this.host.inside.leave(this, room)
    else this.roomsWhenAdmitted = this.roomsWhenAdmitted?.filter((name) => name !== room) ?? null
  }

  /** Adds a middleware that sees each event of the client before its handlers. */
  use(middleware: SocketMiddleware): this {
    this.middleware = [...(this.middleware ?? []), middleware]
    return this
  }

  /** Ends this socket. @param close  Also close the connection, with all its namespaces. @default false */
  disconnect(close = false): this {
    if (close) {
      for (const socket of this.connection.members()) socket.endNamespace('server namespace disconnect', true)
      this.host.runtime.turn.flush()
      this.connection.end('KICKED', 'forced server close')
    } else this.endNamespace('server namespace disconnect', true)
    return this
  }

  /** @internal Sends a notice. */
  notify(notice: readonly unknown[]): void {
    const fields = { type: MESSAGE_TYPES.NOTICE, namespace: this.host.number }
    this.sendFrame(encodeFrame(this.host.runtime.codec, fields, notice))
  }

  /** @internal As {@link deliverDirect}. */
  override deliver(event: string, data: readonly unknown[], flags: EmitFlags, settle: AckSettle | null): boolean {
    return deliverDirect(this, event, data, flags, settle)
  }

  /** @internal Sends a frame that is not an event. */
  sendFrame(frame: Uint8Array): void {
    if (this.phase === 'connected') this.host.runtime.turn.send(this, frame, true)
  }

  /** @internal Whether the server waits for this answer: even ids are calls of the socket, odd ones broadcasts of its namespace. */
  awaits(ackId: number): boolean {
    return ackId % 2 === 1 ? this.host.awaitsAnswer(this, ackId) : (this.acks?.has(ackId) ?? false)
  }

  /** @internal An answer of the client to a call of this socket. */
  settleAck(ackId: number, error: RoomcastError | null, args: readonly unknown[]): AckOutcome {
    return this.acks?.settle(ackId, error, args) ?? 'unknown'
  }

  /** @internal Whether it was disconnected, or will never be connected. */
  get isEnded(): boolean {
    return this.phase === 'disconnected'
  }

  /** @internal The socket takes the place of one that has lost its link. */
  adopt(id: string, data: Data | undefined): void {
    ;(this as { id: string }).id = id
    if (data !== undefined) this.lazyData = data
  }

  /** @internal It has missed nothing. */
  markRecovered(): void {
    ;(this as { recovered: boolean }).recovered = true
  }

  /** @internal The socket is in its namespace now. */
  admit(): void {
    this.phase = 'connected'
    this.noteOutgoing()
  }

  /** @internal Joins the rooms that middleware wanted it in. */
  joinEarlyRooms(): void {
    const rooms = this.roomsWhenAdmitted ?? []
    this.roomsWhenAdmitted = null
    for (const room of rooms) this.join(room)
  }

  /** @internal Leaves the namespace, once; tells the client if `notify`. */
  endNamespace(reason: DisconnectReason, notify: boolean, details?: DisconnectDetails): void {
    if (this.phase !== 'connected') {
      this.phase = 'disconnected'
      return
    }
    this.fire('disconnecting', reason, details)
    if (this.phase !== 'connected') return
    if (notify && this.connection.phase === 'open') {
      this.host.inside.settle(this)
      this.connection.noteEnded(this.host.number)
      const fields = { type: MESSAGE_TYPES.DISCONNECT, namespace: this.host.number }
      this.sendFrame(encodeFrame(this.host.runtime.codec, fields, details ?? null))
    }
    this.phase = 'disconnected'
    this.held?.drop()
    this.held = null
    this.noteOutgoing()
    this.host.remove(this, details, notify || isDecided(reason, details))
    this.connection.removeMember(this)
    this.acks?.failAll()
    this.fire('disconnect', reason, details)
  }

  /** @internal */
  override newTable(): SocketListeners {
    return new SocketListeners()
  }

  /** @internal As `listenersOf`, without making a list for a lone one. */
  handlersOf(event: string): Listeners | undefined {
    return (this.listenerTable as SocketListeners | null)?.find(event)
  }

  /** @internal */
  override setOutgoing(listeners: readonly CatchAllListener[]): this {
    super.setOutgoing(listeners)
    this.noteOutgoing()
    return this
  }

  /** Tells the namespace, as long as it is in there, whether somebody listens to what it sends. */
  private noteOutgoing(): void {
    this.host.observe(this, this.connected && this.listenersAnyOutgoing().length > 0)
  }

  /** @internal */
  override onListenerError(error: unknown, event: string): void {
    this.host.runtime.reportFault(error, { where: 'listener', name: event, socketId: this.id })
  }

  /** @internal */
  override others(flags: EmitFlags): RoomEmitter<Emit, Data, User> {
    return new RoomEmitter(this.host, { rooms: [], except: [this.id] }, flags)
  }
}
