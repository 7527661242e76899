import type { TimingWheel } from '../connection/timing-wheel'
import { type Aged, AgeList } from './age-list'

/**
 * Memory for a frame beside its bytes: 310 of heap for objects, array and places in lists, 200 of the allocator for a buffer
 * of its own. Growth of a process by 300,000 frames of 100 and of 1,000 bytes, Node.js 20 on x64; up to 64 bytes it is 360.
 */
export const MESSAGE_BYTES = 512

/** Something that is kept as long as there is memory for it. */
export interface Kept extends Aged<Kept> {
  /** What it takes, of memory. Does not change. */
  readonly bytes: number
  /** Its owner drops it, and gives the bytes back with `remove`. Must not throw, and must not add anything. */
  evict(): void
}

/**
 * The memory of a server for what it keeps: messages of rooms and of sessions, values that rooms retain, and the channels
 * they belong to. When it is used up, the oldest message goes, whosever it is. Retained values go when no message is left, or
 * when they take more than half: a message that is gone shows as a gap, a value that is gone does not.
 */
export class MessageBudget {
  private messageBytes = 0
  private valueBytes = 0
  private reservedBytes = 0
  private readonly messages = new AgeList<Kept>()
  private readonly values = new AgeList<Kept>()

  /**
   * @param maxBytes  0 keeps nothing.
   * @param wheel     For the age of what is kept.
   */
  constructor(
    readonly maxBytes: number,
    readonly wheel: TimingWheel,
  ) {}

  /** What everything takes now: the bytes that are kept, and an estimate of what it costs to keep them. */
  get bytes(): number {
    return this.messageBytes + this.valueBytes + this.reservedBytes
  }

  /** Whether there is room for a message of so many bytes, if all others go. */
  fitsMessage(bytes: number): boolean {
    return bytes + this.valueBytes + this.reservedBytes <= this.maxBytes
  }

  addMessage(message: Kept): void {
    this.messages.add(message)
    this.messageBytes += message.bytes
    this.makeRoom()
  }

  removeMessage(message: Kept): void {
    this.messages.remove(message)
    this.messageBytes -= message.bytes
  }

  /** Whether there is room for a value of so many bytes, if everything else goes. */
  fitsValue(bytes: number): boolean {
    return bytes <= this.maxBytes / 2 && bytes + this.reservedBytes <= this.maxBytes
  }

  addValue(value: Kept): void {
    this.values.add(value)
    this.valueBytes += value.bytes
    while (this.valueBytes > this.maxBytes / 2) this.values.oldest?.evict()
    this.makeRoom()
  }

  removeValue(value: Kept): void {
    this.values.remove(value)
    this.valueBytes -= value.bytes
  }

  /** Room for what is neither. It is granted, even if nothing is left to go for it. */
  reserve(bytes: number): void {
    this.reservedBytes += bytes
    this.makeRoom()
  }

  /** Gives back what was reserved. */
  release(bytes: number): void {
    this.reservedBytes -= bytes
  }

  private makeRoom(): void {
    while (this.bytes > this.maxBytes) {
      const victim = this.messages.oldest ?? this.values.oldest
      if (victim === null) return
      victim.evict()
    }
  }
}
