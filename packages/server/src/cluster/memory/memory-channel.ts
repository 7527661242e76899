import { randomBytes } from 'node:crypto'
import type { KeepLimits } from '../engine'
import type { MessageBudget } from '../message-budget'
import { Ring, type RingOwner } from '../ring'
import { RetainedFrames } from './retained-frames'

/** Memory for a channel without messages: its ring, its epoch and its places in maps. Measured with Node.js 20 on x64. */
const CHANNEL_BYTES = 500

/** Bytes of randomness in an epoch. */
const EPOCH_BYTES = 9

/** Until the first frame says how much is kept. */
const NOTHING: KeepLimits = { messages: 0, bytes: 0, ageMs: 0 }

/** A name that no other order has had or will have. */
export function newEpoch(): string {
  return randomBytes(EPOCH_BYTES).toString('base64url')
}

/** Who forgets a channel. */
export interface ChannelOwner {
  /** It has nothing kept. */
  onEmptied(channel: MemoryChannel): void
}

/** What the log has of one channel. */
export class MemoryChannel implements RingOwner {
  readonly epoch = newEpoch()
  readonly ring: Ring
  /** null until the first frame with a key. */
  retained: RetainedFrames | null = null
  private readonly bytes: number
  /** While it adds, or ends, what goes does not empty it. */
  private isBusy = false

  constructor(
    readonly name: string,
    private readonly budget: MessageBudget,
    private readonly owner: ChannelOwner,
  ) {
    this.ring = new Ring(budget, NOTHING, this)
    this.bytes = CHANNEL_BYTES + 2 * name.length
    budget.reserve(this.bytes)
  }

  get isEmpty(): boolean {
    return this.ring.size === 0 && (this.retained === null || this.retained.size === 0)
  }

  /** Adds a frame, of which it makes a copy. @returns Its offset. */
  add(frame: Uint8Array, keep: KeepLimits, key: string | undefined): number {
    const { ring } = this
    const at = Date.now()
    this.isBusy = true
    ring.keep = keep
    const offset = ring.push(frame, at)
    if (key !== undefined) {
      this.retained ??= new RetainedFrames(this.budget, this)
      this.retained.set(key, { offset, at, frame: ring.get(offset)?.frame ?? new Uint8Array(frame) })
    }
    this.isBusy = false
    this.onEmptied()
    return offset
  }

  /** Retains a copy of a frame that is no message. @returns Whether no key has been lost. */
  retain(key: string, frame: Uint8Array): boolean {
    this.isBusy = true
    this.retained ??= new RetainedFrames(this.budget, this)
    const { retained } = this
    retained.set(key, { offset: this.ring.top, at: Date.now(), frame: new Uint8Array(frame) })
    this.isBusy = false
    this.onEmptied()
    return retained.isWhole
  }

  /** Retains nothing any more. */
  release(): void {
    this.retained?.clear()
    this.retained = null
    this.onEmptied()
  }

  /** The ring has no message any more, or no key a frame. */
  onEmptied(): void {
    if (!this.isBusy && this.isEmpty) this.owner.onEmptied(this)
  }

  /** Gives all memory back; the channel is not used any more. */
  close(): void {
    this.isBusy = true
    this.ring.clear()
    this.retained?.clear()
    this.budget.release(this.bytes)
  }
}
