import {
  type AckResult,
  assertTimeout,
  callListener,
  type DataArgs,
  type EventArgs,
  type EventNames,
  type EventsMap,
  type PublicUser,
  splitAck,
  type TimedArgs,
} from '@roomcast/protocol'
import type { AckSettle } from '../connection/pending-acks'
import { assertLatestKey } from '../delivery/latest-values'
import type { EmitFlags, RoomEmitter } from './room-emitter'

/** What a {@link DirectEmitter} works on: a socket. */
export interface DirectHost<Emit extends EventsMap, Data, User extends PublicUser> {
  deliver(event: string, data: readonly unknown[], flags: EmitFlags, settle: AckSettle | null): boolean
  others(flags: EmitFlags): RoomEmitter<Emit, Data, User>
  fire(event: 'error', error: Error): void
  onListenerError(error: unknown, event: string): void
}

/** Brings the end of a call to its ack callback, which has a place for an error if `isTimed`. */
export function ackSettle(
  socket: Pick<DirectHost<EventsMap, unknown, PublicUser>, 'fire' | 'onListenerError'>,
  ack: (...args: unknown[]) => void,
  isTimed: boolean,
): AckSettle {
  const call = (...args: unknown[]) =>
    callListener(ack, undefined, args, (error) => socket.onListenerError(error, 'ack'))
  return (error, args) => {
    if (isTimed) call(...(error === null ? [null, ...args] : [error]))
    else if (error === null) call(...args)
    else socket.fire('error', error)
  }
}

/** Emits to one socket, or to the others, with flags. Every step returns a new object. */
export class DirectEmitter<Emit extends EventsMap, Data, User extends PublicUser, Timed extends boolean> {
  /** @internal */
  constructor(
    private readonly host: DirectHost<Emit, Data, User>,
    private readonly flags: EmitFlags,
  ) {}

  /** As `socket.emit`; after `timeout(ms)` the ack gets an error, or null, in front. */
  emit<Event extends EventNames<Emit>>(
    event: Event,
    ...args: Timed extends true ? TimedArgs<Emit, Event> : EventArgs<Emit, Event>
  ): boolean {
    const { data, ack } = splitAck(args)
    const isTimed = this.flags.timeoutMs !== undefined
    return this.host.deliver(event, data, this.flags, ack && ackSettle(this.host, ack, isTimed))
  }

  /** As `socket.emitWithAck`. */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: DataArgs<Emit, Event>
  ): Promise<AckResult<Emit, Event>> {
    return new Promise((resolve, reject) => {
      this.host.deliver(event, args, this.flags, (error, results) => {
        if (error === null) resolve(results[0] as AckResult<Emit, Event>)
        else reject(error)
      })
    })
  }

  /** As `socket.timeout`. */
  timeout(ms: number): DirectEmitter<Emit, Data, User, true> {
    return new DirectEmitter(this.host, { ...this.flags, timeoutMs: assertTimeout(ms) })
  }

  /** As `socket.volatile`. */
  get volatile(): DirectEmitter<Emit, Data, User, Timed> {
    return new DirectEmitter(this.host, { ...this.flags, volatile: true, latestKey: undefined })
  }

  /** As `socket.latest`. */
  latest(key: string): DirectEmitter<Emit, Data, User, Timed> {
    return new DirectEmitter(this.host, { ...this.flags, latestKey: assertLatestKey(key), volatile: false })
  }

  /** As `socket.compress`. */
  compress(compress: boolean): DirectEmitter<Emit, Data, User, Timed> {
    return new DirectEmitter(this.host, { ...this.flags, compress })
  }

  /** As `socket.to`. */
  to(room: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.host.others(this.flags).to(room)
  }

  /** As `socket.in`. */
  in(room: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.to(room)
  }

  /** As `socket.except`. */
  except(room: string | readonly string[]): RoomEmitter<Emit, Data, User> {
    return this.host.others(this.flags).except(room)
  }

  /** As `socket.local`. */
  get local(): RoomEmitter<Emit, Data, User> {
    return this.broadcast
  }

  /** As `socket.broadcast`. */
  get broadcast(): RoomEmitter<Emit, Data, User> {
    return this.host.others(this.flags)
  }
}
