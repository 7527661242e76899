import { type NamedBody, RoomcastError } from '@roomcast/protocol'
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
  isConnected(): boolean
  /** @throws RoomcastError `MESSAGE_TOO_LARGE`. */
  sendEvent(event: string, ackId: number, body: Uint8Array): void
  /** @throws RoomcastError `NOT_ENCODABLE`, `MESSAGE_TOO_LARGE`. */
  sendRequest(ackId: number, body: NamedBody): void
  /** An event failed that nobody waits for. */
  onLostEvent(error: RoomcastError): void
}

/** How an event is sent. */
export interface EmitFlags {
  /** Neither kept nor repeated. */
  readonly volatile?: boolean
  /** Milliseconds to wait for the answer; absent means `ackTimeout`. */
  readonly timeoutMs?: number
  /** Milliseconds to wait for the connection; absent means `outboxAge`. */
  readonly maxAgeMs?: number
}

/**
 * Sends the events of one socket, in order: at once, when the connection is there, and with `retries` until they are
 * answered.
 *
 *   emit ──connected──────────────────────────────► sent ──► answered
 *     └──else, or with retries──► outbox ──connect──┘  └── lost ──► outbox (retries)
 */
export class EventSender {
  readonly #acks = new PendingAcks(() => this.flush())
  readonly #outbox: Outbox
  readonly #host: SenderHost
  readonly #options: SenderOptions
  /** The `connect` listeners run: what they emit goes out before what waited. */
  #isGreeting = false

  constructor(host: SenderHost, options: SenderOptions) {
    this.#host = host
    this.#options = options
    this.#outbox = new Outbox(options.outboxLimit, options.outboxBytes, (entry) =>
      this.#fail(entry, new RoomcastError('OUTBOX_EXPIRED', `"${entry.event}" waited too long`)),
    )
  }

  /**
   * Sends an event, or keeps it.
   *
   * @param body    The arguments; a view that is copied if it has to be kept.
   * @param settle  Told of the answer; null if none is wanted.
   * @throws RoomcastError `MESSAGE_TOO_LARGE`.
   */
  emit(event: string, body: Uint8Array, flags: EmitFlags, settle: AckSettle | null): void {
    const { ackTimeout, outboxAge, retries } = this.#options
    const { timeoutMs = ackTimeout, maxAgeMs = outboxAge } = flags
    const isConnected = this.#host.isConnected()
    const retry: Retry | null = retries > 0 && !flags.volatile ? { left: retries, ackId: -1, timeoutMs, settle } : null
    const ackId = settle && !retry ? this.#acks.add(timeoutMs, settle) : -1
    if (settle && !retry && ackId < 0) return
    // Nothing overtakes what still waits, but what must not wait.
    const mayGo = isConnected && (flags.volatile || this.#isGreeting || this.#outbox.size === 0)
    if (mayGo && !retry) return this.#host.sendEvent(event, ackId, body)
    const entry: OutboxEntry = {
      event,
      body: body.slice(),
      ackId,
      dueAt: performance.now() + maxAgeMs,
      serial: 0,
      retry,
    }
    if (!this.#keep(entry)) {
      return this.#fail(entry, new RoomcastError('OUTBOX_FULL', `"${event}": the outbox is full`))
    }
    if (isConnected && this.#isGreeting && !this.#isBusy) this.#send(this.#outbox.take(true))
    else this.flush()
  }

  /** Begins to wait for the answer to a request, `ackTimeout` at most. @returns The id to send it with. */
  expect(settle: AckSettle): number {
    return this.#acks.add(this.#options.ackTimeout, settle)
  }

  /** Sends a request, unless the wait is over. PROTOCOL.md, "Requests and notices". */
  request(ackId: number, ...body: NamedBody): void {
    if (!this.#acks.has(ackId)) return
    try {
      this.#host.sendRequest(ackId, body)
    } catch (error) {
      this.settle(ackId, error as RoomcastError)
    }
  }

  /** An answer of the server, or why there will be none. */
  settle(ackId: number, error: RoomcastError | null, args: readonly unknown[] = []): void {
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
    while (this.#host.isConnected() && !this.#isGreeting && !this.#isBusy && this.#outbox.size > 0) {
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
    retry.ackId = this.#acks.add(retry.timeoutMs, settle, retry.ackId)
    return retry.ackId
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
