import {
  type AckResult,
  assertTimeout,
  type DataArgs,
  type EventArgs,
  type EventNames,
  type EventsMap,
  type PublicUser,
  SocketEmitter,
  splitAck,
} from '@roomcast/protocol'
import type { AckSettle } from '../connection/pending-acks'
import { ackSettle, DirectEmitter } from './direct-emitter'
import { type EmitFlags, NO_FLAGS, type RoomEmitter } from './room-emitter'
import type { SocketReservedEvents } from './socket-events'

/** What a socket sends: to its client, and to the others. */
export abstract class SocketCalls<
  Listen extends EventsMap,
  Emit extends EventsMap,
  Data,
  User extends PublicUser,
> extends SocketEmitter<Listen, SocketReservedEvents> {
  /** @internal */
  abstract deliver(event: string, data: readonly unknown[], flags: EmitFlags, settle: AckSettle | null): boolean

  /** @internal */
  abstract others(flags: EmitFlags): RoomEmitter<Emit, Data, User>

  /**
   * Sends an event to the client, in the order of all other events to it.
   *
   * @param args  Arguments; any value of PROTOCOL.md, "Values". A function at the end is the ack, called with
   *              what the client's handler answers. If the call fails it is not called, and `error` is fired;
   *              use `timeout(ms)` or `emitWithAck` to be told.
   * @returns Whether it was handed to the connection: false once the socket is disconnected.
   * @throws RoomcastError `INVALID_EVENT_NAME`, `RESERVED_EVENT`, `NOT_ENCODABLE`.
   */
  emit<Event extends EventNames<Emit>>(event: Event, ...args: EventArgs<Emit, Event>): boolean {
    const { data, ack } = splitAck(args)
    return this.deliver(event, data, NO_FLAGS, ack && ackSettle(this, ack, false))
  }

  /**
   * Sends an event and waits for the ack of the client's handler.
   *
   * @throws RoomcastError `ACK_TIMEOUT` (after `ackTimeout`, 10 s by default), `DISCONNECTED`,
   *         `TOO_MANY_PENDING_ACKS`, the client's own code, and what {@link emit} throws.
   */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: DataArgs<Emit, Event>
  ): Promise<AckResult<Emit, Event>> {
    return this.direct(NO_FLAGS).emitWithAck(event, ...args)
  }

  /** Emits an event named `message`. */
  send(...args: EventArgs<Emit, 'message'>): this {
    this.emit('message', ...args)
    return this
  }

  /** The same as {@link send}. */
  write(...args: EventArgs<Emit, 'message'>): this {
    return this.send(...args)
  }

  /**
   * @param ms  Milliseconds after which an ack fails with `ACK_TIMEOUT`, 1 to 2^31 - 1; the ack gets the error in front.
   * @throws RoomcastError `INVALID_OPTION`.
   */
  timeout(ms: number): DirectEmitter<Emit, Data, User, true> {
    return this.direct({ ...NO_FLAGS, timeoutMs: assertTimeout(ms) })
  }

  /** Skips the event if the client still has unsent data. */
  get volatile(): DirectEmitter<Emit, Data, User, false> {
    return this.direct({ ...NO_FLAGS, volatile: true })
  }

  /** Only the newest value of a key is wanted. As `RoomEmitter.latest`. */
  latest(key: string): DirectEmitter<Emit, Data, User, false> {
    return this.direct<false>(NO_FLAGS).latest(key)
  }

  /** Whether to compress, where the option `perMessageDeflate` is on. @default true */
  compress(compress: boolean): DirectEmitter<Emit, Data, User, false> {
    return this.direct({ ...NO_FLAGS, compress })
  }

  /** Everybody else in `room`. @throws RoomcastError `INVALID_ROOM_NAME`. */
  to(room: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.others(NO_FLAGS).to(room)
  }

  /** The same as {@link to}. */
  in(room: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.to(room)
  }

  /** Everybody else who is not in `room`. @throws RoomcastError `INVALID_ROOM_NAME`. */
  except(room: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.others(NO_FLAGS).except(room)
  }

  /** Everybody else in the namespace. */
  get broadcast(): RoomEmitter<Emit, Data, User> {
    return this.others(NO_FLAGS)
  }

  /** Everybody else on this process. */
  get local(): RoomEmitter<Emit, Data, User> {
    return this.broadcast
  }

  /** @internal */
  direct<Timed extends boolean>(flags: EmitFlags): DirectEmitter<Emit, Data, User, Timed> {
    return new DirectEmitter(this, flags)
  }
}
