import {
  type AckResult,
  assertEmittable,
  callListener,
  closeVerdict,
  type DataArgs,
  type DefaultEventsMap,
  type EventArgs,
  type EventNames,
  type EventsMap,
  RESERVED_EVENTS,
  RoomcastError,
  SocketEmitter,
  splitAck,
} from '@roomcast/protocol'
import { type Answer, deliverEvent } from '../inbound/deliver'
import { type MessageOf, type ServerMessage, toError } from '../inbound/server-message'
import type { AuthOption, ResolvedOptions } from '../options'
import { type EmitFlags, EventSender } from '../outbound/event-sender'
import type { AckSettle } from '../outbound/pending-acks'
import { ABNORMAL, ACK, ACK_ERROR, CONNECT_ERROR, CONNECTED, DISCONNECT, ERROR, EVENT } from '../tables'
import { DirectEmitter } from './direct-emitter'
import type { DisconnectDetails, DisconnectReason, LinkState, SocketLink } from './socket-link'

const NO_FLAGS: EmitFlags = {}

/** Events that the library fires on a socket. */
export interface SocketReservedEvents {
  /** The server admitted the socket. Emits made here go out before those that waited. */
  connect: () => void
  /** An attempt failed; `socket.active` tells whether another one follows by itself. */
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
  /**
   * How the last connection was lost; undefined as long as none was. An end of the namespace alone, by either side, is not one. What was a lost link (1006) at first may turn out to be a
   * close by the server: it tells when the socket is connected again, before `connect`.
   */
  lastClose: DisconnectDetails | undefined
  /** @internal Id on the connection before, as long as it is not known why that ended. */
  previous: string | undefined
  #phase: 'connected' | 'idle' | 'waiting' = 'idle'
  #namespace = 0
  readonly #sender: EventSender
  readonly #link: SocketLink
  readonly #direct = new DirectEmitter<Emit, false>(this, NO_FLAGS)

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
        onLostEvent: (error) => this.fire('error', error),
      },
      options,
    )
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
    return this.#link.state === 'waiting' ? 'waiting' : 'connecting'
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
    if (this.connected) this.#link.sendFrame({ type: DISCONNECT, namespace: this.#namespace }, null)
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
        return this.#onEvent(message)
      case ACK:
        return this.#sender.settle(message.ackId, null, message.body)
      case ACK_ERROR:
        return this.#sender.settle(message.ackId, toError(message.body), [])
      case ERROR:
        return this.fire('error', toError(message.body))
      case DISCONNECT:
        return this.#end('io server disconnect', true)
      case CONNECTED:
        return this.#onConnected(message)
      case CONNECT_ERROR:
        return this.failAttempt(toError(message.body), true)
    }
  }

  /** @internal An attempt failed; `isFinal` if there will be no other. */
  failAttempt(error: RoomcastError, isFinal: boolean): void {
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

  #onEvent(message: MessageOf<typeof EVENT>): void {
    const { event, ackId, body: args } = message
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
      const type = error === null ? ACK : ACK_ERROR
      this.#link.sendFrame({ type, namespace, ackId }, error ?? results)
    }
  }

  #onConnected({ namespace, body: { sid, previous } }: MessageOf<typeof CONNECTED>): void {
    this.id = sid
    this.#namespace = namespace
    this.#phase = 'connected'
    if (previous) this.lastClose = { ...previous, verdict: closeVerdict(previous.code) }
    this.previous = undefined
    this.#sender.greet(() => this.fire('connect'))
  }

  /** Leaves the connected state; fires `disconnect` if it was in it. The state is new before anybody is told. */
  #end(reason: DisconnectReason | null, isFinal: boolean, details?: DisconnectDetails): void {
    const wasConnected = this.connected
    this.#phase = isFinal ? 'idle' : 'waiting'
    this.id = undefined
    if (isFinal) this.#link.detach(this)
    this.#sender.onDisconnect()
    if (wasConnected && reason !== null) this.fire('disconnect', reason, details)
  }
}
