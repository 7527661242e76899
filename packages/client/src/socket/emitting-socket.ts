import {
  type AckResult,
  type DataArgs,
  type EventArgs,
  type EventNames,
  type EventsMap,
  SocketEmitter,
} from '@roomcast/protocol'
import type { EmitFlags } from '../outbound/event-sender'
import type { AckSettle } from '../outbound/pending-acks'
import { DirectEmitter } from './direct-emitter'
import type { SocketReservedEvents } from './socket-events'

/** What a socket sends, and how. */
export abstract class EmittingSocket<Listen extends EventsMap, Emit extends EventsMap> extends SocketEmitter<
  Listen,
  SocketReservedEvents
> {
  readonly #direct = new DirectEmitter<Emit, false>(this, {})

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

  /**
   * Drops the event if it would have to wait: if the socket is not connected, or much is waiting to be sent already (`conn.congestion` is not
   * `none`). A call then fails, with `DISCONNECTED` or `OUTBOX_FULL`.
   */
  get volatile(): DirectEmitter<Emit, false> {
    return this.#direct.volatile
  }

  /**
   * Sends the event again until it is answered, over lost links too, and has the server handle it once: for orders, payments and
   * everything else that must neither be lost nor happen twice. The server's handler has to answer, by ack or returned value.
   *
   *     const { id } = await socket.idempotent.emitWithAck('order', { symbol: 'AAPL', qty: 5 })
   *
   * Without an answer it is sent again after `ackTimeout`, and on each new connection. It is given up after `maxAge(ms)`, by
   * default `outboxAge`, at most 120 s: with `OUTBOX_EXPIRED` if it was not sent, with `ACK_TIMEOUT` if it was; or with
   * `ACK_TIMEOUT` after `timeout(ms)`. After `ACK_TIMEOUT` it may or may not have been handled. The server's `RESULT_NOT_KEPT`
   * says that it was handled, with a result that is gone. Up to 256 are on their way at once, in order.
   * Once is a promise of one server: what is repeated after its restart may be handled again. What was sent for one user is not
   * repeated for another: it fails with `DISCONNECTED`, and may or may not have been handled. Not together with `volatile`.
   */
  get idempotent(): DirectEmitter<Emit, false> {
    return this.#direct.idempotent
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
  abstract deliver(event: string, data: readonly unknown[], flags: EmitFlags, settle: AckSettle | null): void

  /** @internal Fires an event of the library that the application may have a type of its own for: to the compiler it is the server's. */
  tell(event: 'gap' | 'user', about: unknown): void {
    ;(this as unknown as { fire(event: string, about: unknown): void }).fire(event, about)
  }

  /** @internal Never a process event: one faulty listener must not end a Node.js client. */
  override onListenerError(error: unknown, event: string): void {
    const hasListener = event !== 'error' && this.listenersOf('error').length > 0
    if (hasListener && error instanceof Error) this.fire('error', error)
    else super.onListenerError(error, event)
  }
}
