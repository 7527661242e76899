import {
  type AckResult,
  assertEmittable,
  assertTimeout,
  callListener,
  type DataArgs,
  type DefaultEventsMap,
  type EventArgs,
  type EventNames,
  type EventsMap,
  MESSAGE_TYPES,
  RESERVED_EVENTS,
  RoomcastError,
  SocketEmitter,
  splitAck,
} from '@roomcast/protocol'
import { type Answer, deliverEvent } from '../inbound/deliver'
import { type ServerMessage, toError } from '../inbound/server-message'
import type { AuthOption, ResolvedOptions } from '../options'
import { Outbox, type OutboxEntry } from '../outbound/outbox'
import { type AckSettle, PendingAcks } from '../outbound/pending-acks'
import { DirectEmitter, type EmitFlags, NO_FLAGS } from './direct-emitter'
import type { DisconnectDetails, DisconnectReason, SocketLink } from './socket-link'

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
export class Socket<Listen extends EventsMap = DefaultEventsMap, Emit extends EventsMap = Listen> extends SocketEmitter<
  Listen,
  SocketReservedEvents
> {
  /** Given by the server at each connect; undefined while not connected. */
  id: string | undefined
  /** Whether the session was resumed. Sessions are not resumed in this version: always false. */
  readonly recovered = false
  /** Sent at each attempt; may be replaced, for example with a new token before `connect()`. */
  auth: AuthOption | undefined
  #phase: 'connected' | 'idle' | 'waiting' = 'idle'
  #namespace = 0
  readonly #acks = new PendingAcks()
  readonly #outbox: Outbox
  readonly #link: SocketLink
  readonly #options: ResolvedOptions

  /** @internal */
  constructor(
    link: SocketLink,
    /** Name of the namespace, with its leading slash. */
    readonly nsp: string,
    options: ResolvedOptions,
  ) {
    super()
    this.#link = link
    this.#options = options
    this.auth = options.auth
    this.#outbox = new Outbox(options.outboxLimit, options.outboxBytes)
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

  /** Connects, unless it is connected or about to be. */
  connect(): this {
    if (this.#phase === 'idle') {
      this.#phase = 'waiting'
      this.#link.attach(this)
    }
    return this
  }

  /** The same as {@link connect}. */
  open(): this {
    return this.connect()
  }

  /** Leaves the namespace and does not come back by itself. The connection closes with its last socket. */
  disconnect(): this {
    if (this.connected) this.#link.sendFrame({ type: MESSAGE_TYPES.DISCONNECT, namespace: this.#namespace }, null)
    if (this.active) this.#end('io client disconnect', true)
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
    this.deliver(event, data, NO_FLAGS, ack && this.settleWith(ack, false))
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
    return this.#direct<false>(NO_FLAGS).emitWithAck(event, ...args)
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
    return this.#direct({ ...NO_FLAGS, timeoutMs: assertTimeout(ms) })
  }

  /** Drops the event if the socket is not connected. */
  get volatile(): DirectEmitter<Emit, false> {
    return this.#direct({ ...NO_FLAGS, volatile: true })
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
      settle?.(new RoomcastError('DISCONNECTED', 'the socket is not connected'), [])
      return
    }
    const body = this.#link.encodeBody(event, data)
    const ackId = settle === null ? -1 : this.#acks.add(flags.timeoutMs ?? this.#options.ackTimeout, settle)
    if (settle !== null && ackId < 0) return
    if (this.connected) {
      this.#link.sendBody({ type: MESSAGE_TYPES.EVENT, namespace: this.#namespace, ackId, event }, body)
    } else if (!this.#keep({ event, ackId, body: body.slice() })) {
      this.#failEvent(ackId, new RoomcastError('OUTBOX_FULL', `"${event}" was not kept: the outbox is full`))
    }
  }

  /** @internal A frame of the server for this namespace. */
  receive(message: ServerMessage): void {
    switch (message.kind) {
      case 'event':
        return this.#onEvent(message)
      case 'ack':
        return this.#acks.settle(message.ackId, message.error && toError(message.error), message.args)
      case 'error':
        this.fire('error', toError(message.body))
        return
      case 'disconnect':
        return this.#end('io server disconnect', true)
      case 'connected':
        this.id = message.body.sid
        this.#namespace = message.namespace
        this.#phase = 'connected'
        // First the listeners, who log in or join again, then what waited.
        this.fire('connect')
        if (this.connected) this.#flushOutbox()
        return
      case 'connect_error':
        return this.failAttempt(toError(message.body), true)
    }
  }

  /** @internal An attempt failed; `isFinal` if there will be no other. */
  failAttempt(error: RoomcastError, isFinal: boolean): void {
    if (isFinal) this.#end(null, true)
    this.fire('connect_error', error)
  }

  /** @internal There will be no other attempt. */
  giveUp(): void {
    this.#end(null, true)
  }

  /** @internal The link was lost; `isFinal` if it will not be opened again. */
  loseLink(reason: DisconnectReason, details: DisconnectDetails, isFinal: boolean): void {
    this.#end(reason, isFinal, details)
  }

  /** @internal Never a process event: one faulty listener must not end a Node.js client. */
  override onListenerError(error: unknown, event: string): void {
    const hasListener = event !== 'error' && this.listenersOf('error').length > 0
    if (hasListener && error instanceof Error) this.fire('error', error)
    else console.error(`roomcast: listener of "${event}" failed`, error)
  }

  /** @internal Brings the end of a call to its ack callback, which has a place for an error if `isTimed`. */
  settleWith(ack: (...args: unknown[]) => void, isTimed: boolean): AckSettle {
    const call = (...args: unknown[]) =>
      callListener(ack, undefined, args, (error) => this.onListenerError(error, 'ack'))
    return (error, args) => {
      if (isTimed) call(...(error === null ? [null, ...args] : [error]))
      else if (error === null) call(...args)
      else this.fire('error', error)
    }
  }

  #onEvent(message: ServerMessage & { kind: 'event' }): void {
    const { event, ackId, args } = message
    const answer = ackId < 0 ? null : this.#answerTo(ackId)
    if (typeof event === 'string' && !RESERVED_EVENTS.has(event)) return deliverEvent(this, event, args, answer)
    const code = typeof event === 'string' ? 'RESERVED_EVENT' : 'UNKNOWN_EVENT_ID'
    answer?.({ code, message: 'no event of this client' }, [])
  }

  /** The answer belongs to the connection that asked: a later one has other calls with the same ids. */
  #answerTo(ackId: number): Answer {
    const { id } = this
    const namespace = this.#namespace
    return (error, results) => {
      if (this.id !== id) return
      const type = error === null ? MESSAGE_TYPES.ACK : MESSAGE_TYPES.ACK_ERROR
      this.#link.sendFrame({ type, namespace, ackId }, error ?? results)
    }
  }

  /** Puts an event into the outbox; calls that have failed meanwhile make room for it. */
  #keep(entry: OutboxEntry): boolean {
    if (this.#outbox.push(entry)) return true
    this.#outbox.retain(({ ackId }) => ackId < 0 || this.#acks.has(ackId))
    return this.#outbox.push(entry)
  }

  #flushOutbox(): void {
    // One by one: a listener told of a failure may disconnect, and the rest waits for the next time.
    for (
      let entry = this.#outbox.take();
      entry !== undefined;
      entry = this.connected ? this.#outbox.take() : undefined
    ) {
      const { event, ackId, body } = entry
      // A call that has failed meanwhile must not happen after its caller was told so.
      if (ackId >= 0 && !this.#acks.has(ackId)) continue
      try {
        this.#link.sendBody({ type: MESSAGE_TYPES.EVENT, namespace: this.#namespace, ackId, event }, body)
      } catch (error) {
        // The limit of the server was not known when it was emitted.
        this.#failEvent(ackId, error as RoomcastError)
      }
    }
  }

  #failEvent(ackId: number, error: RoomcastError): void {
    if (ackId < 0) this.fire('error', error)
    else this.#acks.settle(ackId, error, [])
  }

  /** Leaves the connected state; fires `disconnect` if it was in it. The state is new before anybody is told. */
  #end(reason: DisconnectReason | null, isFinal: boolean, details?: DisconnectDetails): void {
    const wasConnected = this.connected
    this.#phase = isFinal ? 'idle' : 'waiting'
    this.id = undefined
    if (isFinal) this.#link.detach(this)
    const unsent = this.#outbox.ackIds()
    this.#acks.failSent((id) => !unsent.has(id))
    if (wasConnected && reason !== null) this.fire('disconnect', reason, details)
  }

  #direct<Timed extends boolean>(flags: EmitFlags): DirectEmitter<Emit, Timed> {
    return new DirectEmitter(this, flags)
  }
}
