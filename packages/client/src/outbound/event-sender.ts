import { type NamedBody, RoomcastError } from '@roomcast/protocol'
import { RESULT_AGE_MS } from '../tables'
import { leftMs, Outbox, type OutboxEntry, type Retry } from './outbox'
import { type AckSettle, PendingAcks } from './pending-acks'
import { retryAfterOf } from './retry-after'

/** A call is not sent again if less than this is left of its time: no answer would come. */
const LEAST_MS = 50

/** Repeatable calls on their way at once, and requests, on a connection that has sent too fast once: few more are refused. */
const CAREFUL = 16

/** Whoever is to wait longer is told: meanwhile nothing else of the socket would be sent. */
const MAX_REST_MS = 10_000

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
  /** Whose events they are; undefined for nobody's, and equal to nothing if that is not known. */
  userId(): string | symbol | undefined
  /** @param isCall  Whether it is to take effect once. @throws RoomcastError `MESSAGE_TOO_LARGE`. */
  sendEvent(event: string, ackId: number, body: Uint8Array, isCall: boolean): void
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
  /** Sent again until it is answered, and handled once. */
  readonly idempotent?: boolean
}

/**
 * Sends the events of one socket, in order: at once, when the connection is there, and with `retries` or `idempotent` until
 * they are answered.
 *
 *   emit ──connected──────────────────────────────► sent ──► answered
 *     └──else, or repeatable──► outbox ──connect────┘  └── lost, or no answer ──► outbox (repeatable)
 *
 * What can repeat: an event with `retries`, so often; an idempotent one, until it is too old. Both at most RESULT_AGE_MS: a
 * server that has seen it knows so for that long.
 */
export class EventSender {
  readonly #acks = new PendingAcks((id) => {
    if (this.#asked.delete(id)) this.#sendRequests()
    this.flush()
  })
  readonly #outbox: Outbox
  readonly #host: SenderHost
  readonly #options: SenderOptions
  /** The `connect` listeners run: what they emit goes out before what waited. */
  #isGreeting = false
  /** Set until the server takes more: what it has refused waits, and what comes behind it. */
  #rest: ReturnType<typeof setTimeout> | undefined
  /** Repeatable calls that may be on their way, besides the bound of all, and requests. */
  #window = Number.POSITIVE_INFINITY
  /** Requests that are on their way, since that is bounded. */
  readonly #asked = new Set<number>()
  /** Requests that wait for a connection, or until the server takes more, by ack id. */
  readonly #requests = new Map<number, NamedBody>()

  constructor(host: SenderHost, options: SenderOptions) {
    this.#host = host
    this.#options = options
    this.#outbox = new Outbox(options.outboxLimit, options.outboxBytes, (entry) => this.#expire(entry))
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
    const { timeoutMs = ackTimeout, maxAgeMs = outboxAge, idempotent = false } = flags
    const isConnected = this.#host.isConnected()
    let ageMs = maxAgeMs
    let retry: Retry | null = null
    if ((retries > 0 || idempotent) && !flags.volatile) {
      ageMs = Math.min(maxAgeMs, RESULT_AGE_MS)
      // With an end of its own, `timeout` says when that is.
      const isTimed = idempotent && flags.timeoutMs !== undefined && flags.timeoutMs <= ageMs
      if (isTimed) ageMs = timeoutMs
      retry = {
        left: idempotent ? Number.POSITIVE_INFINITY : retries,
        ackId: -1,
        userId: undefined,
        timeoutMs: idempotent ? ackTimeout : timeoutMs,
        hasEnd: idempotent,
        isTimed,
        settle,
      }
    }
    const ackId = settle && !retry ? this.#acks.add(timeoutMs, settle) : -1
    if (settle && !retry && ackId < 0) return
    // Nothing overtakes what still waits, but what must not wait.
    const mayGo = isConnected && (flags.volatile || this.#isGreeting || (!this.#rest && this.#outbox.size === 0))
    if (mayGo && !retry) return this.#host.sendEvent(event, ackId, body, false)
    const entry: OutboxEntry = {
      event,
      body: body.slice(),
      ackId,
      dueAt: performance.now() + ageMs,
      endsAt: Date.now() + ageMs,
      serial: 0,
      retry,
    }
    if (!this.#keep(entry)) {
      return this.#fail(entry, new RoomcastError('OUTBOX_FULL', `"${event}": the outbox is full`))
    }
    if (isConnected && this.#isGreeting && !(retry && this.#acks.isFull)) this.#send(this.#outbox.take(true))
    else this.flush()
  }

  /** Begins to wait for the answer to a request, by default `ackTimeout` at most. @returns The id to send it with. */
  expect(settle: AckSettle, timeoutMs = this.#options.ackTimeout): number {
    return this.#acks.add(timeoutMs, settle)
  }

  /** A request that the library makes by itself, and bounds: calls of the application do not keep it from being made. */
  ask(settle: AckSettle, ...body: NamedBody): void {
    this.request(this.#acks.add(this.#options.ackTimeout, settle, -1, false), ...body)
  }

  /** As {@link request}; without a connection as soon as there is one, if the wait is not over by then. */
  requestSoon(ackId: number, ...body: NamedBody): void {
    if (this.#host.isConnected()) return this.request(ackId, ...body)
    for (const id of this.#requests.keys()) if (!this.#acks.has(id)) this.#requests.delete(id)
    if (this.#acks.has(ackId)) this.#requests.set(ackId, body)
  }

  /** Sends a request, unless the wait is over. PROTOCOL.md, "Requests and notices". */
  request(ackId: number, ...body: NamedBody): void {
    const ack = this.#acks.get(ackId)
    if (!ack) return
    ack.request = body
    if (!this.#mayAsk) {
      this.#requests.set(ackId, body)
      return
    }
    if (this.#window === CAREFUL) this.#asked.add(ackId)
    try {
      this.#host.sendRequest(ackId, body)
    } catch (error) {
      this.settle(ackId, error as RoomcastError)
    }
  }

  /** An answer of the server, or why there will be none. */
  settle(ackId: number, error: RoomcastError | null, args: readonly unknown[] = []): void {
    const retry = error && this.#outbox.out(ackId)
    // The server has not taken it, for now: as if no answer had come.
    if (retry && error.code === 'TOO_MANY_PENDING_ACKS') return
    const restMs = error?.code === 'RATE_LIMITED' ? retryAfterOf(error) : undefined
    const request = this.#acks.get(ackId)?.request
    if (error && restMs !== undefined && restMs <= MAX_REST_MS && (retry || request)) {
      this.#pause(restMs)
      if (!retry) {
        this.#asked.delete(ackId)
        this.#requests.set(ackId, request as NamedBody)
      } else {
        // It was no try.
        retry.left++
        this.#acks.settle(ackId, error, [], true)
      }
      return
    }
    this.#acks.settle(ackId, error, args)
  }

  /** The socket is connected: first the listeners, who log in or join again, then what waited. */
  greet(callListeners: () => void): void {
    this.#isGreeting = true
    callListeners()
    this.#isGreeting = false
    this.#sendRequests()
    this.flush()
  }

  get #mayAsk(): boolean {
    return !this.#rest && this.#asked.size < this.#window
  }

  #sendRequests(): void {
    // In the order in which they were made.
    for (const [ackId, body] of [...this.#requests].sort(([a], [b]) => a - b)) {
      if (!this.#host.isConnected() || !this.#mayAsk) return
      // One that fails at once lets the next ones go from within.
      if (this.#requests.delete(ackId)) this.request(ackId, ...body)
    }
  }

  /** The server takes nothing for a while. */
  #pause(ms: number): void {
    this.#window = CAREFUL
    clearTimeout(this.#rest)
    this.#rest = setTimeout(() => {
      this.#rest = undefined
      this.#sendRequests()
      this.flush()
    }, ms)
  }

  /** The connection is gone: calls that were sent fail, or go back to be sent again. */
  onDisconnect(): void {
    clearTimeout(this.#rest)
    this.#rest = undefined
    this.#window = Number.POSITIVE_INFINITY
    this.#asked.clear()
    const unsent = this.#outbox.ackIds()
    this.#acks.failSent((id) => !unsent.has(id))
  }

  /** Sends what waits, as far as it may: one by one, because a listener told of a failure may disconnect. */
  flush(): void {
    while (this.#host.isConnected() && !this.#isGreeting && !this.#rest) {
      const { next } = this.#outbox
      // As many calls are on their way as may: a repeatable one waits for a place.
      if (!next || (next.retry && (this.#acks.isFull || this.#outbox.outCount >= this.#window))) return
      this.#send(this.#outbox.take())
    }
  }

  #send(entry: OutboxEntry | undefined): void {
    if (entry === undefined) return
    const { event, body, retry } = entry
    const ms = leftMs(entry)
    // The timer may be late.
    if (ms <= 0) return this.#expire(entry)
    if (retry) {
      if (retry.ackId >= 0 && ms < LEAST_MS) {
        setTimeout(() => this.#expire(entry), ms)
        return
      }
      const userId = this.#host.userId()
      if (retry.ackId < 0) retry.userId = userId
      // Somebody else's call is another one to the server: it would be handled again.
      else if (retry.userId !== userId) {
        return this.#fail(entry, new RoomcastError('DISCONNECTED', 'another user is logged in now'))
      }
    }
    const ackId = retry ? this.#try(entry, retry) : entry.ackId
    // A call that has failed meanwhile must not happen after its caller was told so.
    if (ackId >= 0 && !this.#acks.has(ackId)) return
    try {
      this.#host.sendEvent(event, ackId, body, retry !== null)
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
      if (isLost && leftMs(entry) <= 0 && (retry.hasEnd || retry.left > 0)) this.#expire(entry)
      else if (isLost && retry.left-- > 0) this.#outbox.putBack(entry)
      else if (isLost && error) this.#fail(entry, error)
      else {
        this.#outbox.release(entry)
        retry.settle?.(error, args)
      }
    }
    const waitMs = retry.hasEnd ? Math.min(retry.timeoutMs, Math.ceil(leftMs(entry))) : retry.timeoutMs
    retry.ackId = this.#acks.add(waitMs, settle, retry.ackId)
    return retry.ackId
  }

  /** An event has waited long enough. */
  #expire(entry: OutboxEntry): void {
    const { event, retry } = entry
    // What was sent may have been handled.
    const code = retry && (retry.isTimed || retry.ackId >= 0) ? 'ACK_TIMEOUT' : 'OUTBOX_EXPIRED'
    this.#fail(entry, new RoomcastError(code, `"${event}" waited too long`))
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
