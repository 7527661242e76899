import { MAX_TIMER_MS } from '../tables'
import type { AckSettle } from './pending-acks'

/** An event that waits for the connection, encoded when it was emitted. */
export interface OutboxEntry {
  readonly event: string
  /** The arguments as a body. */
  readonly body: Uint8Array
  /** The call that waits for it; -1 if there is none, or one with {@link Retry}. */
  readonly ackId: number
  /** When it has waited long enough, on the clock of `performance.now()`. */
  readonly dueAt: number
  /** The same on the clock on the wall, which goes on while the machine sleeps: the first of the two counts. */
  readonly endsAt: number
  /** Its place, given by the outbox. */
  serial: number
  /** An event that is sent again until it is answered; null for one that is sent once. */
  readonly retry: Retry | null
}

/** Of an event that is sent again until it is answered: a CALL, which takes effect once. */
export interface Retry {
  /** Times it may still be sent. */
  left: number
  /** Id of its calls; -1 before the first. */
  ackId: number
  /** For whom it was sent first. */
  userId: string | symbol | undefined
  /** Wait for an answer, before it is sent again. */
  readonly timeoutMs: number
  /** Whether the time until it is given up counts while it is on its way. */
  readonly hasEnd: boolean
  /** Whether that was said by `timeout`. */
  readonly isTimed: boolean
  readonly settle: AckSettle | null
}

/** Milliseconds that an event may still wait; none when it is too old. */
export function leftMs({ dueAt, endsAt }: OutboxEntry): number {
  return Math.min(dueAt - performance.now(), endsAt - Date.now())
}

/** What a socket has emitted and not yet sent, in order; bounded by count, bytes and age. */
export class Outbox {
  #kept: OutboxEntry[] = []
  /** Entries that were taken out and may come back. */
  readonly #out = new Set<OutboxEntry>()
  #bytes = 0
  #serial = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #timerAt = Number.POSITIVE_INFINITY
  readonly #maxEntries: number
  readonly #maxBytes: number
  readonly #onExpired: (entry: OutboxEntry) => void

  /** @param onExpired  Told of each entry that waited too long; it is out by then. */
  constructor(maxEntries: number, maxBytes: number, onExpired: (entry: OutboxEntry) => void) {
    this.#maxEntries = maxEntries
    this.#maxBytes = maxBytes
    this.#onExpired = onExpired
  }

  /** How many wait. */
  get size(): number {
    return this.#kept.length
  }

  /** @returns Whether there was room for it. */
  push(entry: OutboxEntry): boolean {
    const bytes = this.#bytes + entry.body.length
    if (this.#kept.length + this.#out.size >= this.#maxEntries || bytes > this.#maxBytes) return false
    this.#bytes = bytes
    entry.serial = this.#serial++
    this.#kept.push(entry)
    this.#schedule(entry.dueAt)
    return true
  }

  /** How many were taken out and may come back. */
  get outCount(): number {
    return this.#out.size
  }

  /** Ids of the calls that wait here. */
  ackIds(): Set<number> {
    return new Set(this.#kept.map(({ ackId }) => ackId))
  }

  /** Drops the entries that are not `wanted`. */
  retain(wanted: (entry: OutboxEntry) => boolean): void {
    for (const entry of this.#kept) if (!wanted(entry)) this.#bytes -= entry.body.length
    this.#kept = this.#kept.filter(wanted)
    if (this.#kept.length === 0) this.#stop()
  }

  /** The oldest entry. */
  get next(): OutboxEntry | undefined {
    return this.#kept[0]
  }

  /** Takes out the oldest entry, or the newest. One with `retry` counts until {@link release} or {@link putBack}. */
  take(isNewest = false): OutboxEntry | undefined {
    const entry = isNewest ? this.#kept.pop() : this.#kept.shift()
    if (this.#kept.length === 0) this.#stop()
    if (entry?.retry) this.#out.add(entry)
    else this.#bytes -= entry?.body.length ?? 0
    return entry
  }

  /** An entry that was taken out goes back to its place. */
  putBack(entry: OutboxEntry): void {
    if (!this.#out.delete(entry)) return
    const at = this.#kept.findIndex(({ serial }) => serial > entry.serial)
    this.#kept.splice(at < 0 ? this.#kept.length : at, 0, entry)
    this.#schedule(entry.dueAt)
  }

  /** The call of this id, if it is one that is sent again until it is answered, and is on its way. */
  out(ackId: number): Retry | undefined {
    for (const { retry } of this.#out) if (retry?.ackId === ackId) return retry
  }

  /** An entry that was taken out does not come back. */
  release(entry: OutboxEntry): void {
    if (this.#out.delete(entry)) this.#bytes -= entry.body.length
  }

  /** One timer, for the next that comes of age. */
  #schedule(dueAt: number): void {
    if (dueAt >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = dueAt
    this.#timer = setTimeout(() => this.#expire(), Math.min(MAX_TIMER_MS, Math.max(0, dueAt - performance.now())))
    // What waits for a connect() that never comes must not keep a Node.js process alive.
    ;(this.#timer as { unref?(): void }).unref?.()
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#timerAt = Number.POSITIVE_INFINITY
  }

  #expire(): void {
    this.#stop()
    const old = new Set(this.#kept.filter((entry) => leftMs(entry) <= 0))
    this.retain((entry) => !old.has(entry))
    for (const { dueAt } of this.#kept) this.#schedule(dueAt)
    for (const entry of old) this.#onExpired(entry)
  }
}
