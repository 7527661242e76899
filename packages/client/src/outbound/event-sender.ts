import { RoomcastError } from '@roomcast/protocol'
import { Outbox, type OutboxEntry, type Retry } from './outbox'
import { type AckSettle, PendingAcks } from './pending-acks'

/** The options of a socket that concern what it sends. */
export interface SenderOptions {
  readonly ackTimeout: number
  readonly outboxAge: number
  readonly outboxBytes: number
  readonly outboxLimit: number
  readonly retries: number
}

/** What an {@link EventSender} sends through. */
export interface SenderHost {
  /** Whether events can be sent now. */
  readonly connected: boolean
  /** @throws RoomcastError `MESSAGE_TOO_LARGE`. */
  sendEvent(event: string, ackId: number, body: Uint8Array): void
  /** An event failed that nobody waits for. */
  onLostEvent(error: RoomcastError): void
}

/** One event to send. */
export interface OutgoingEvent {
  readonly event: string
  /** The arguments as a body; a view that is copied if it has to be kept. */
  readonly body: Uint8Array
  /** Neither kept nor repeated. */
  readonly isVolatile: boolean
  /** Milliseconds to wait for the answer; undefined means `ackTimeout`. */
  readonly timeoutMs: number | undefined
  /** Milliseconds to wait for the connection; undefined means `outboxAge`. */
  readonly maxAgeMs: number | undefined
  /** Told of the answer; null if none is wanted. */
  readonly settle: AckSettle | null
}

/**
 * Sends the events of one socket, in order: at once, when the connection is there, and with `retries` until they are
 * answered.
 *
 *   emit ──connected──────────────────────────────► sent ──► answered
 *     └──else, or with retries──► outbox ──connect──┘  └── lost ──► outbox (retries)
 */
export class EventSender {
  readonly #acks = new PendingAcks()
  readonly #outbox: Outbox
  readonly #host: SenderHost
  readonly #options: SenderOptions
  /** The `connect` listeners run: what they emit goes out before what waited. */
  #isGreeting = false

  constructor(host: SenderHost, options: SenderOptions) {
    this.#host = host
    this.#options = options
    this.#outbox = new Outbox(options.outboxLimit, options.outboxBytes, (entry) =>
      this.#fail(entry, new RoomcastError('OUTBOX_EXPIRED', `"${entry.event}" waited too long for the connection`)),
    )
  }

  /** Sends an event, or keeps it. @throws RoomcastError `MESSAGE_TOO_LARGE`. */
  emit({ event, body, isVolatile, timeoutMs: given, maxAgeMs, settle }: OutgoingEvent): void {
    const { ackTimeout, outboxAge, retries } = this.#options
    const { connected } = this.#host
    const timeoutMs = given ?? ackTimeout
    const retry: Retry | null = retries > 0 && !isVolatile ? { left: retries, ackId: -1, timeoutMs, settle } : null
    const ackId = settle === null || retry ? -1 : this.#acks.add(timeoutMs, this.#thenFlush(settle))
    if (settle !== null && !retry && ackId < 0) return
    // Nothing overtakes what still waits, but what must not wait.
    const mayGo = connected && (isVolatile || this.#isGreeting || this.#outbox.size === 0)
    if (mayGo && !retry) return this.#host.sendEvent(event, ackId, body)
    const entry: OutboxEntry = { event, body: body.slice(), ackId, maxAgeMs: maxAgeMs ?? outboxAge, retry }
    if (!this.#keep(entry)) {
      return this.#fail(entry, new RoomcastError('OUTBOX_FULL', `"${event}" was not kept: the outbox is full`))
    }
    if (connected && this.#isGreeting && !this.#isBusy) this.#send(this.#outbox.takeLast())
    else this.flush()
  }

  /** An answer of the server. */
  settle(ackId: number, error: RoomcastError | null, args: readonly unknown[]): void {
    this.#acks.settle(ackId, error, args)
  }

  /** The socket is connected: first the listeners, who log in or join again, then what waited. */
  greet(callListeners: () => void): void {
    this.#isGreeting = true
    callListeners()
    this.#isGreeting = false
    this.flush()
  }

  /** The connection is gone: calls that were sent fail, or go back to be sent again. */
  onDisconnect(): void {
    const unsent = this.#outbox.ackIds()
    this.#acks.failSent((id) => !unsent.has(id))
  }

  /** Sends what waits, as far as it may: one by one, because a listener told of a failure may disconnect. */
  flush(): void {
    while (this.#host.connected && !this.#isGreeting && !this.#isBusy && this.#outbox.size > 0) {
      this.#send(this.#outbox.take())
    }
  }

  /** Whether as many repeatable events are on their way as may. */
  get #isBusy(): boolean {
    return this.#options.retries > 0 && this.#acks.isFull
  }

  #send(entry: OutboxEntry | undefined): void {
    if (entry === undefined) return
    const { event, body, retry } = entry
    const ackId = retry ? this.#try(entry, retry) : entry.ackId
    // A call that has failed meanwhile must not happen after its caller was told so.
    if (ackId >= 0 && !this.#acks.has(ackId)) return
    try {
      this.#host.sendEvent(event, ackId, body)
    } catch (error) {
      // The limit of the server was not known when it was emitted.
      if (retry) this.#acks.forget(ackId)
      this.#fail(entry, error as RoomcastError)
    }
  }

  /** Puts an event into the outbox; calls that have failed meanwhile make room for it. */
  #keep(entry: OutboxEntry): boolean {
    if (this.#outbox.push(entry)) return true
    this.#outbox.retain(({ ackId }) => ackId < 0 || this.#acks.has(ackId))
    return this.#outbox.push(entry)
  }

  /** One more time, under the same id: the answer to an earlier one may still come. @returns The ack id to send. */
  #try(entry: OutboxEntry, retry: Retry): number {
    const settle: AckSettle = (error, args, isLost) => {
      if (isLost && retry.left-- > 0) this.#outbox.putBack(entry)
      else if (isLost && error) this.#fail(entry, error)
      else {
        this.#outbox.release(entry)
        retry.settle?.(error, args)
      }
    }
    retry.ackId = this.#acks.add(retry.timeoutMs, this.#thenFlush(settle), retry.ackId)
    return retry.ackId
  }

  /** The end of a call leaves its place to an event that waits. */
  #thenFlush(settle: AckSettle): AckSettle {
    return (error, args, isLost) => {
      settle(error, args, isLost)
      this.flush()
    }
  }

  /** An event will not be sent, or not again. */
  #fail(entry: OutboxEntry, error: RoomcastError): void {
    const { ackId, retry } = entry
    this.#outbox.release(entry)
    if (retry?.settle) retry.settle(error, [])
    else if (ackId < 0) this.#host.onLostEvent(error)
    else this.#acks.settle(ackId, error, [])
  }
}
