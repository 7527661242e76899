import {
  type AckResult,
  assertEmittable,
  CatchAllListeners,
  type CatchAllListener,
  type CloseVerdict,
  type DataArgs,
  type DefaultEventsMap,
  Emitter,
  type ErrorBody,
  type EventArgs,
  type EventNames,
  type EventsMap,
  MESSAGE_TYPES,
  RESERVED_EVENTS,
  RoomcastError,
} from '@roomcast/protocol'
import { deliverEvent, type EventTarget } from '../inbound/deliver'
import { type ServerMessage, toError } from '../inbound/server-message'
import type { AuthOption, ResolvedOptions } from '../options'
import { Outbox } from '../outbound/outbox'
import { type AckSettle, PendingAcks } from '../outbound/pending-acks'
import { DirectEmitter, type DirectHost, type EmitFlags, NO_FLAGS, splitAck } from './direct-emitter'
import type { SocketLink } from './socket-link'

/** Why a socket was disconnected, with the names of Socket.IO. */
export type DisconnectReason =
  | 'io client disconnect'
  | 'io server disconnect'
  | 'parse error'
  | 'transport close'
  | 'transport error'

/** More about a disconnect. */
export interface DisconnectDetails {
  /** Close code of the link; 1006 if there was no close frame. PROTOCOL.md, "Close codes". */
  readonly code: number
  /** Text of the close frame. */
  readonly message: string
  /** Whether and how the client comes back by itself. */
  readonly verdict: CloseVerdict
}

/** Events that the library fires on a socket. */
export interface SocketReservedEvents {
  /** The server admitted the socket. Emits made here go out before those that waited. */
  connect: () => void
  /** An attempt failed: the link (`socket.active` is true, it goes on), or the server refused (`active` is false). */
  connect_error: (error: RoomcastError) => void
  disconnect: (reason: DisconnectReason, details?: DisconnectDetails) => void
  /** A call with a plain ack callback failed, the outbox is full, the server refused a frame, or a listener threw. */
  error: (error: Error) => void
}

/**
 * One namespace of a server, as the client sees it.
 *
 *   idle ──connect()──► waiting ──CONNECTED──► connected ──lost──► waiting
 *     ▲                    └── refused ──┐         │
 *     └── disconnect(), refused, ended by the server ◄──┘
 */
export class Socket<Listen extends EventsMap = DefaultEventsMap, Emit extends EventsMap = Listen>
  extends Emitter<Listen, SocketReservedEvents>
  implements EventTarget, DirectHost
{
  /** Given by the server at each connect; undefined while not connected. */
  id: string | undefined
  /** Whether the session was resumed. Sessions are not resumed in this version: always false. */
  readonly recovered = false
  /** Sent at each attempt; may be replaced, for example with a new token before `connect()`. */
  auth: AuthOption | undefined
  private phase: 'connected' | 'idle' | 'waiting' = 'idle'
  private namespace = 0
  private readonly acks = new PendingAcks()
  private readonly outbox: Outbox
  private incoming: CatchAllListeners | null = null
  private outgoing: CatchAllListeners | null = null

  /** @internal */
  constructor(
    private readonly link: SocketLink,
    /** Name of the namespace, with its leading slash. */
    readonly nsp: string,
    private readonly options: ResolvedOptions,
  ) {
    super()
    this.auth = options.auth
    this.outbox = new Outbox(options.outboxLimit, options.outboxBytes)
  }

  /** Whether events can be sent now. */
  get connected(): boolean {
    return this.phase === 'connected'
  }

  /** The inverse of {@link connected}. */
  get disconnected(): boolean {
    return !this.connected
  }

  /** Whether the socket is connected, or will connect by itself. */
  get active(): boolean {
    return this.phase !== 'idle'
  }

  /** Connects, unless it is connected or about to be. */
  connect(): this {
    if (this.phase === 'idle') {
      this.phase = 'waiting'
      this.link.attach(this)
    }
    return this
  }

  /** The same as {@link connect}. */
  open(): this {
    return this.connect()
  }

  /** Leaves the namespace and does not come back by itself. The connection closes with its last socket. */
  disconnect(): this {
    if (this.phase === 'connected') this.link.sendFrame({ type: MESSAGE_TYPES.DISCONNECT, namespace: this.namespace }, null)
    const wasActive = this.active
    this.end('io client disconnect', true)
    if (wasActive) this.link.detach(this)
    return this
  }

  /** The same as {@link disconnect}. */
  close(): this {
    return this.disconnect()
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
    const { data, ack } = splitAck(args)
    this.deliver(event, data, NO_FLAGS, ack && this.plainSettle(ack))
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
    return this.direct<false>(NO_FLAGS).emitWithAck(event, ...args)
  }

  /** Emits an event named `message`. */
  send(...args: EventArgs<Emit, 'message'>): this {
    return this.emit('message', ...args)
  }

  /** The same as {@link send}. */
  write(...args: EventArgs<Emit, 'message'>): this {
    return this.send(...args)
  }

  /** @param ms  Milliseconds after which an ack fails with `ACK_TIMEOUT`; the ack gets the error in front. */
  timeout(ms: number): DirectEmitter<Emit, true> {
    return this.direct({ ...NO_FLAGS, timeoutMs: ms })
  }

  /** Drops the event if the socket is not connected. */
  get volatile(): DirectEmitter<Emit, false> {
    return this.direct({ ...NO_FLAGS, volatile: true })
  }

  /** For code written for Socket.IO; the browser decides about compression. */
  compress(_compress: boolean): this {
    return this
  }

  /** Calls `listener` with the name and arguments of every event of the server. */
  onAny(listener: CatchAllListener): this {
    this.incoming ??= new CatchAllListeners()
    this.incoming.append(listener)
    return this
  }

  /** As {@link onAny}, before the listeners there are. */
  prependAny(listener: CatchAllListener): this {
    this.incoming ??= new CatchAllListeners()
    this.incoming.prepend(listener)
    return this
  }

  /** Removes a listener of {@link onAny}, or all of them. */
  offAny(listener?: CatchAllListener): this {
    this.incoming?.remove(listener)
    return this
  }

  /** The listeners of {@link onAny}. */
  listenersAny(): readonly CatchAllListener[] {
    return this.incoming?.all() ?? []
  }

  /** Calls `listener` with the name and arguments of every event that is emitted. */
  onAnyOutgoing(listener: CatchAllListener): this {
    this.outgoing ??= new CatchAllListeners()
    this.outgoing.append(listener)
    return this
  }

  /** As {@link onAnyOutgoing}, before the listeners there are. */
  prependAnyOutgoing(listener: CatchAllListener): this {
    this.outgoing ??= new CatchAllListeners()
    this.outgoing.prepend(listener)
    return this
  }

  /** Removes a listener of {@link onAnyOutgoing}, or all of them. */
  offAnyOutgoing(listener?: CatchAllListener): this {
    this.outgoing?.remove(listener)
    return this
  }

  /** The listeners of {@link onAnyOutgoing}. */
  listenersAnyOutgoing(): readonly CatchAllListener[] {
    return this.outgoing?.all() ?? []
  }

  /** @internal Sends one event, or keeps it. */
  deliver(event: string, data: readonly unknown[], flags: EmitFlags, settle: AckSettle | null): void {
    assertEmittable(event)
    for (const listener of this.listenersAnyOutgoing()) listener(event, ...data)
    if (flags.volatile && !this.connected && settle === null) return
    const body = this.link.encodeBody(event, data)
    const ackId = settle === null ? -1 : this.acks.add(flags.timeoutMs ?? this.options.ackTimeout, settle)
    if (settle !== null && ackId < 0) return
    if (this.connected) {
      this.link.sendBody({ type: MESSAGE_TYPES.EVENT, namespace: this.namespace, ackId, event }, body)
    } else if (!this.outbox.push({ event, ackId, body: body.slice() })) {
      const error = new RoomcastError('OUTBOX_FULL', `"${event}" was not kept: the outbox is full`)
      if (settle === null) this.fire('error', error)
      else this.acks.settle(ackId, error, [])
    }
  }

  /** @internal A frame of the server for this namespace. */
  receive(message: ServerMessage): void {
    switch (message.kind) {
      case 'event':
        return this.onEvent(message)
      case 'ack':
        return this.acks.settle(message.ackId, message.error && toError(message.error), message.args)
      case 'error':
        this.fire('error', toError(message.body))
        return
      case 'disconnect':
        this.end('io server disconnect', true)
        this.link.detach(this)
        return
      case 'connected':
        this.id = message.body.sid
        this.namespace = message.namespace
        this.phase = 'connected'
        // First the listeners, who log in or join again, then what waited.
        this.fire('connect')
        if (this.connected) this.flushOutbox()
        return
      case 'connect_error':
        this.end(null, false)
        this.link.detach(this)
        this.fire('connect_error', toError(message.body))
        return
    }
  }

  /** @internal An attempt failed; `isFinal` if there will be no other. */
  failAttempt(error: RoomcastError, isFinal: boolean): void {
    if (isFinal) this.end(null, false)
    this.fire('connect_error', error)
  }

  /** @internal The link was lost; `isFinal` if it will not be opened again. */
  loseLink(reason: DisconnectReason, details: DisconnectDetails, isFinal: boolean): void {
    if (this.connected || isFinal) this.end(reason, isFinal, details)
  }

  /** @internal */
  notifyAny(event: string, args: readonly unknown[]): boolean {
    const listeners = this.listenersAny()
    for (const listener of listeners) {
      try {
        listener(event, ...args)
      } catch (error) {
        this.onListenerError(error, event)
      }
    }
    return listeners.length > 0
  }

  /** @internal */
  answer(ackId: number, error: ErrorBody | null, results: readonly unknown[]): void {
    if (!this.connected) return
    const type = error === null ? MESSAGE_TYPES.ACK : MESSAGE_TYPES.ACK_ERROR
    this.link.sendFrame({ type, namespace: this.namespace, ackId }, error ?? results)
  }

  /** @internal Never a process event: one faulty listener must not end a Node.js client. */
  onListenerError(error: unknown, event: string): void {
    const hasListener = event !== 'error' && this.listenersOf('error').length > 0
    if (hasListener && error instanceof Error) this.fire('error', error)
    else console.error(`roomcast: listener of "${event}" failed`, error)
  }

  /** @internal */
  plainSettle(ack: (...args: unknown[]) => void): AckSettle {
    return (error, args) => {
      if (error !== null) this.fire('error', error)
      else this.guard(() => ack(...args))
    }
  }

  /** @internal */
  timedSettle(ack: (...args: unknown[]) => void): AckSettle {
    return (error, args) => this.guard(() => (error === null ? ack(null, ...args) : ack(error)))
  }

  private onEvent(message: ServerMessage & { kind: 'event' }): void {
    const { event, ackId, args } = message
    if (typeof event === 'string' && !RESERVED_EVENTS.has(event)) return deliverEvent(this, event, ackId, args)
    const code = typeof event === 'string' ? 'RESERVED_EVENT' : 'UNKNOWN_EVENT_ID'
    if (ackId >= 0) this.answer(ackId, { code, message: 'no event of this client' }, [])
  }

  private flushOutbox(): void {
    for (const { event, ackId, body } of this.outbox.takeAll()) {
      // A call that has timed out meanwhile must not happen after its caller was told that it failed.
      if (ackId >= 0 && !this.acks.has(ackId)) continue
      this.link.sendBody({ type: MESSAGE_TYPES.EVENT, namespace: this.namespace, ackId, event }, body)
    }
  }

  /** Leaves the connected state; fires `disconnect` if it was in it. */
  private end(reason: DisconnectReason | null, isFinal: boolean, details?: DisconnectDetails): void {
    const wasConnected = this.connected
    this.phase = isFinal || reason === null ? 'idle' : 'waiting'
    this.id = undefined
    this.acks.failSent((id) => !this.outbox.has(id))
    if (wasConnected && reason !== null) this.fire('disconnect', reason, details)
  }

  private guard(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      this.onListenerError(error, 'ack')
    }
  }

  private direct<Timed extends boolean>(flags: EmitFlags): DirectEmitter<Emit, Timed> {
    return new DirectEmitter(this, flags)
  }
}
