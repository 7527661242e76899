import type { Deadline } from '../connection/timing-wheel'
import type { KeepLimits, LogItem } from './engine'
import { type Kept, MESSAGE_BYTES, type MessageBudget } from './message-budget'

/** Gone places at the start of the array that are not worth moving the rest. */
const FEW = 32

/** Who a ring belongs to. */
export interface RingOwner {
  /** The last message that was kept has gone, in the middle of whatever made it go. Must not throw, and must not add anything. */
  onEmptied(): void
}

/**
 * The messages of one channel that are kept: numbered from 1 on, without holes, the oldest go first.
 *
 *   1 … first - 1     gone
 *   first … top       kept; none if first is top + 1
 *
 * Each step takes the same time however many are kept: a message stands in an array at its offset less that of the first.
 * One that is too old goes up to 25 ms late, and without anything being added: a ring with messages has one deadline.
 */
export class Ring implements Deadline {
  slot: Set<Deadline> | null = null
  dueAt = 0
  /** Offset of the newest message there has been, 0 before the first. */
  top = 0
  /** Offset of the oldest message that is kept; `top + 1` if there is none. */
  first = 1
  /** Of the frames that are kept. */
  bytes = 0
  private messages: (KeptMessage | undefined)[] = []
  /** Offset of `messages[0]`. */
  private base = 1

  /** @param keep  May be replaced by other limits, which hold from the next message on. */
  constructor(
    private readonly budget: MessageBudget,
    public keep: KeepLimits,
    private readonly owner: RingOwner | null = null,
  ) {}

  /** Messages that are kept. */
  get size(): number {
    return this.top + 1 - this.first
  }

  /**
   * Adds a message, of which it makes a copy, and drops what is over the limits. One that is itself larger than they allow is
   * gone at once, and all before it.
   *
   * @param at  Milliseconds since 1970.
   * @returns Its offset.
   */
  push(frame: Uint8Array, at: number): number {
    const { messages, bytes, ageMs } = this.keep
    const isAllowed = messages >= 1 && ageMs > 0 && frame.length <= bytes
    if (!isAllowed || !this.budget.fitsMessage(frame.length + MESSAGE_BYTES)) return this.skip()
    // An allocation of its own: a view would keep the whole buffer that it is taken from.
    const copy = new Uint8Array(frame)
    const message = new KeptMessage(this, this.top + 1, at, this.budget.wheel.now(), copy)
    this.top++
    this.messages.push(message)
    this.bytes += copy.length
    // Own limits first, so that no other ring has to give for what goes anyway.
    while (this.size > messages || this.bytes > bytes) this.dropOldest()
    this.budget.addMessage(message)
    this.expire()
    return message.offset
  }

  /** The message at an offset, if it is kept. */
  get(offset: number): LogItem | undefined {
    return this.messages[offset - this.base]
  }

  /** Whether nothing that came behind an offset is gone. False for one that there has not been. */
  has(since: number): boolean {
    return since >= this.first - 1 && since <= this.top
  }

  /**
   * What is kept behind an offset, in order.
   *
   * @param limit  The oldest, so many at most.
   * @returns Not copies.
   */
  items(since: number, limit = Number.POSITIVE_INFINITY): readonly LogItem[] {
    return this.range(since + 1, since + 1 < this.first ? this.first + limit : since + 1 + limit)
  }

  /**
   * What is kept in front of an offset, or of all if it is null, in order.
   *
   * @param limit  The newest, so many at most.
   * @returns Not copies.
   */
  last(before: number | null, limit = Number.POSITIVE_INFINITY): readonly LogItem[] {
    const end = Math.min(before ?? Number.POSITIVE_INFINITY, this.top + 1)
    return this.range(end - limit, end)
  }

  /** Drops messages up to an offset, that one included. */
  trimTo(offset: number): void {
    while (this.first <= offset && this.first <= this.top) this.dropOldest()
  }

  /** Drops everything, and gives all memory and the deadline back. The next message has the next offset. */
  clear(): void {
    this.trimTo(this.top)
    this.budget.wheel.cancel(this)
  }

  /** Drops what is too old. The wheel calls it. */
  expire(): void {
    const { wheel } = this.budget
    const { ageMs } = this.keep
    const now = wheel.now()
    for (let oldest = this.oldest; oldest !== undefined; oldest = this.oldest) {
      const dueAt = oldest.addedAt + ageMs
      if (dueAt > now) return this.awaken(dueAt, now)
      this.dropOldest()
    }
  }

  private get oldest(): KeptMessage | undefined {
    return this.messages[this.first - this.base]
  }

  /** Has `expire` called in time. A deadline that is early enough stays: it finds nothing to do, and moves on. */
  private awaken(at: number, now: number): void {
    if (at === Number.POSITIVE_INFINITY || (this.slot !== null && this.dueAt <= at)) return
    const { wheel } = this.budget
    wheel.cancel(this)
    wheel.schedule(this, at - now)
  }

  /** An offset for a message that is not kept. */
  private skip(): number {
    this.trimTo(this.top)
    this.top++
    this.first = this.base = this.top + 1
    return this.top
  }

  /** From the offset `start`, to the one before `end`. */
  private range(start: number, end: number): readonly LogItem[] {
    const from = Math.max(start, this.first) - this.base
    return this.messages.slice(from, Math.max(from, end - this.base)) as LogItem[]
  }

  private dropOldest(): void {
    const index = this.first - this.base
    const message = this.messages[index] as KeptMessage
    this.messages[index] = undefined
    this.first++
    this.bytes -= message.frame.length
    this.budget.removeMessage(message)
    if (this.first > this.top) {
      this.messages.length = 0
      this.base = this.first
      this.owner?.onEmptied()
    } else if (index > FEW && index * 2 > this.messages.length) {
      this.messages = this.messages.slice(index + 1)
      this.base = this.first
    }
  }
}

/** A message in its ring, and among all that the budget keeps. */
class KeptMessage implements Kept, LogItem {
  older: Kept | null = null
  newer: Kept | null = null

  constructor(
    private readonly ring: Pick<Ring, 'trimTo'>,
    readonly offset: number,
    readonly at: number,
    /** By the monotonic clock of the wheel. */
    readonly addedAt: number,
    readonly frame: Uint8Array,
  ) {}

  get bytes(): number {
    return this.frame.length + MESSAGE_BYTES
  }

  /** The oldest of all is the oldest of its ring. */
  evict(): void {
    this.ring.trimTo(this.offset)
  }
}
