import { LIMITS } from '@roomcast/protocol'
import type { LogItem } from '../engine'
import { type Kept, MESSAGE_BYTES, type MessageBudget } from '../message-budget'
import type { RingOwner } from '../ring'

/** The newest frame of each key of a channel. */
export class RetainedFrames {
  /** Whether the newest frame of every key that was used is still there. */
  isWhole = true
  /** The longest unchanged first, which is the order of offsets too. */
  private readonly frames = new Map<string, RetainedFrame>()

  constructor(
    private readonly budget: MessageBudget,
    private readonly owner: RingOwner,
  ) {}

  get size(): number {
    return this.frames.size
  }

  /** @returns Not a copy. */
  get(key: string): Uint8Array | undefined {
    return this.frames.get(key)?.frame
  }

  /** In order of offset. @returns Not copies. */
  items(): readonly LogItem[] {
    return [...this.frames.values()]
  }

  /** Retains a frame in place of the one before; the frame is not copied. One that there is no memory for is gone. */
  set(key: string, { offset, at, frame }: LogItem): void {
    const former = this.frames.get(key)
    if (former !== undefined) this.remove(former)
    const retained = new RetainedFrame(this, key, offset, at, frame)
    if (!this.budget.fitsValue(retained.bytes)) {
      this.isWhole = false
      return
    }
    this.frames.set(key, retained)
    this.budget.addValue(retained)
    if (this.frames.size <= LIMITS.retainedKeys) return
    for (const oldest of this.frames.values()) return this.drop(oldest)
  }

  /** Loses a frame. */
  drop(retained: RetainedFrame): void {
    this.isWhole = false
    this.remove(retained)
    if (this.frames.size === 0) this.owner.onEmptied()
  }

  clear(): void {
    for (const retained of this.frames.values()) this.remove(retained)
  }

  private remove(retained: RetainedFrame): void {
    this.frames.delete(retained.key)
    this.budget.removeValue(retained)
  }
}

/** A frame under its key, and among all that the budget keeps. Its bytes may be those of a message that is kept: either may go first. */
class RetainedFrame implements Kept, LogItem {
  older: Kept | null = null
  newer: Kept | null = null

  constructor(
    private readonly owner: RetainedFrames,
    readonly key: string,
    readonly offset: number,
    readonly at: number,
    readonly frame: Uint8Array,
  ) {}

  get bytes(): number {
    return this.frame.length + 2 * this.key.length + MESSAGE_BYTES
  }

  evict(): void {
    this.owner.drop(this)
  }
}
