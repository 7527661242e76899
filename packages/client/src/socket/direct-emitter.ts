import {
  type AckResult,
  assertTimeout,
  callListener,
  type DataArgs,
  type EventArgs,
  type EventNames,
  type EventsMap,
  type RoomcastError,
  splitAck,
  type TimedArgs,
} from '@roomcast/protocol'
import type { EmitFlags } from '../outbound/event-sender'
import type { AckSettle } from '../outbound/pending-acks'

/** What a {@link DirectEmitter} works on: a socket. */
export interface DirectHost {
  deliver(event: string, data: readonly unknown[], flags: EmitFlags, settle: AckSettle | null): void
  fire(event: 'error', error: RoomcastError): void
  onListenerError(error: unknown, event: string): void
}

/** Emits with flags. Every step returns a new object. */
export class DirectEmitter<Emit extends EventsMap, Timed extends boolean> {
  readonly #host: DirectHost
  readonly #flags: EmitFlags

  /** @internal */
  constructor(host: DirectHost, flags: EmitFlags) {
    this.#host = host
    this.#flags = flags
  }

  /** As `socket.emit`; after `timeout(ms)` the ack gets an error, or null, in front. */
  emit<Event extends EventNames<Emit>>(
    event: Event,
    ...args: Timed extends true ? TimedArgs<Emit, Event> : EventArgs<Emit, Event>
  ): this {
    const { data, ack } = splitAck(args)
    this.#host.deliver(event, data, this.#flags, ack && this.#settleWith(ack))
    return this
  }

  /** As `socket.emitWithAck`. */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: DataArgs<Emit, Event>
  ): Promise<AckResult<Emit, Event>> {
    return new Promise((resolve, reject) => {
      this.#host.deliver(event, args, this.#flags, (error, results) => {
        if (error === null) resolve(results[0] as AckResult<Emit, Event>)
        else reject(error)
      })
    })
  }

  /** As `socket.timeout`. */
  timeout(ms: number): DirectEmitter<Emit, true> {
    return new DirectEmitter(this.#host, { ...this.#flags, timeoutMs: assertTimeout(ms) })
  }

  /** As `socket.maxAge`. */
  maxAge(ms: number): DirectEmitter<Emit, Timed> {
    return new DirectEmitter(this.#host, { ...this.#flags, maxAgeMs: assertTimeout(ms) })
  }

  /** As `socket.volatile`. */
  get volatile(): DirectEmitter<Emit, Timed> {
    return new DirectEmitter(this.#host, { ...this.#flags, volatile: true })
  }

  /** As `socket.idempotent`. */
  get idempotent(): DirectEmitter<Emit, Timed> {
    return new DirectEmitter(this.#host, { ...this.#flags, idempotent: true })
  }

  /** As `socket.compress`. */
  compress(_compress: boolean): this {
    return this
  }

  /** Brings the end of a call to its ack callback, which has a place for an error if a time was given. */
  #settleWith(ack: (...args: unknown[]) => void): AckSettle {
    const call = (...args: unknown[]) =>
      callListener(ack, undefined, args, (error) => this.#host.onListenerError(error, 'ack'))
    return (error, args) => {
      if (this.#flags.timeoutMs !== undefined) call(...(error === null ? [null, ...args] : [error]))
      else if (error === null) call(...args)
      else this.#host.fire('error', error)
    }
  }
}
