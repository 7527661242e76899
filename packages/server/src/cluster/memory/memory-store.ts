import { LIMITS, RoomcastError } from '@roomcast/protocol'
import type { Deadline, TimingWheel } from '../../connection/timing-wheel'
import { type Aged, AgeList } from '../age-list'
import type { Store } from '../engine'

/** Memory for an entry beside its key and value. Measured with Node.js 20 on x64. */
const ENTRY_BYTES = 600

/**
 * Values and windows by key, in this process. An entry with a time ends by itself, up to 25 ms late in memory and in time for
 * who asks. If the store is full, the oldest entries with a time go; without one they stay, and when these alone fill the
 * store, nothing more is taken.
 */
export class MemoryStore implements Store {
  readonly capabilities = { isShared: false }
  private readonly values = new Map<string, Entry>()
  private readonly windows = new Map<string, Entry>()
  private readonly passing = new AgeList<Entry>()
  private taken = 0
  private takenForGood = 0

  /** @param maxBytes  Of keys, values and what it costs to keep them. @default LIMITS.resultBytesOfAll */
  constructor(
    private readonly wheel: TimingWheel,
    private readonly maxBytes: number = LIMITS.resultBytesOfAll,
  ) {}

  /** What all entries take. */
  get bytes(): number {
    return this.taken
  }

  /** @throws RoomcastError `STORE_FULL` if it does not fit beside the values that stay; what was there before is there still. */
  put(key: string, value: Uint8Array, ttlMs: number | null): void {
    const former = this.values.get(key)
    this.add(new Entry(this, this.values, key, new Uint8Array(value), ttlMs === null), former, ttlMs)
  }

  get(key: string): Uint8Array | null {
    const value = this.find(this.values, key)?.value
    return value === undefined ? null : new Uint8Array(value)
  }

  take(key: string): Uint8Array | null {
    const entry = this.find(this.values, key)
    if (entry === undefined) return null
    this.remove(entry)
    return entry.value
  }

  /** @throws RoomcastError `STORE_FULL` */
  consume(
    key: string,
    amount: number,
    limit: number,
    windowMs: number,
  ): { readonly isAllowed: boolean; readonly left: number } {
    const window = this.find(this.windows, key)
    const used = window?.used ?? 0
    if (used + amount > limit) return { isAllowed: false, left: Math.max(0, limit - used) }
    if (window !== undefined) window.used += amount
    else {
      const opened = new Entry(this, this.windows, key, NO_VALUE, false)
      opened.used = amount
      this.add(opened, undefined, windowMs)
    }
    return { isAllowed: true, left: limit - used - amount }
  }

  close(): void {
    for (const entry of [...this.values.values(), ...this.windows.values()]) this.remove(entry)
  }

  /** Forgets an entry. */
  remove(entry: Entry): void {
    entry.home.delete(entry.key)
    this.taken -= entry.bytes
    if (entry.isLasting) this.takenForGood -= entry.bytes
    else {
      this.passing.remove(entry)
      this.wheel.cancel(entry)
    }
  }

  private find(home: Map<string, Entry>, key: string): Entry | undefined {
    const entry = home.get(key)
    if (entry === undefined || entry.isLasting || entry.endsAt > this.wheel.now()) return entry
    this.remove(entry)
    return undefined
  }

  private add(entry: Entry, former: Entry | undefined, ttlMs: number | null): void {
    const stays = this.takenForGood - (former?.isLasting ? former.bytes : 0)
    if (stays + entry.bytes > this.maxBytes) {
      const message = `an entry of ${entry.bytes} bytes does not fit beside ${stays} that stay, limit ${this.maxBytes}`
      throw new RoomcastError('STORE_FULL', message)
    }
    if (former !== undefined) this.remove(former)
    entry.home.set(entry.key, entry)
    this.taken += entry.bytes
    if (ttlMs === null) this.takenForGood += entry.bytes
    else this.age(entry, ttlMs)
    for (let oldest = this.passing.oldest; this.taken > this.maxBytes && oldest !== null; oldest = this.passing.oldest)
      this.remove(oldest)
  }

  private age(entry: Entry, ttlMs: number): void {
    entry.endsAt = this.wheel.now() + ttlMs
    this.passing.add(entry)
    this.wheel.schedule(entry, ttlMs)
  }
}

const NO_VALUE = new Uint8Array(0)

/** A value, or a window of which some is used. */
class Entry implements Aged<Entry>, Deadline {
  older: Entry | null = null
  newer: Entry | null = null
  slot: Set<Deadline> | null = null
  dueAt = 0
  /** By the monotonic clock. */
  endsAt = 0
  used = 0

  constructor(
    private readonly store: Pick<MemoryStore, 'remove'>,
    readonly home: Map<string, Entry>,
    readonly key: string,
    readonly value: Uint8Array,
    /** Whether it has no time. */
    readonly isLasting: boolean,
  ) {}

  get bytes(): number {
    return this.value.length + 2 * this.key.length + ENTRY_BYTES
  }

  expire(): void {
    this.store.remove(this)
  }
}
