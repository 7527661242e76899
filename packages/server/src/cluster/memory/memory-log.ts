import type { KeepLimits, Log, LogItem, LogPage, Position } from '../engine'
import type { MessageBudget } from '../message-budget'
import type { MemoryBus } from './memory-bus'
import { type ChannelOwner, MemoryChannel, newEpoch } from './memory-channel'

/**
 * Channels whose frames are kept in this process. A channel is known from its first frame on, or from being read while it
 * is subscribed, and forgotten when it is neither subscribed nor has anything kept.
 */
export class MemoryLog implements Log, ChannelOwner {
  readonly capabilities = { outlivesProcess: false }
  private readonly channels = new Map<string, MemoryChannel>()

  constructor(
    private readonly bus: MemoryBus,
    private readonly budget: MessageBudget,
  ) {}

  /** Channels that are known. */
  get size(): number {
    return this.channels.size
  }

  append(
    channel: string,
    frame: Uint8Array,
    keep: KeepLimits,
    key?: string,
  ): { readonly position: Position; readonly receivers: number } {
    this.bus.admit()
    const known = this.channels.get(channel) ?? this.open(channel)
    const position = { epoch: known.epoch, offset: known.add(frame, keep, key) }
    return { position, receivers: this.bus.hand(channel, frame, position) }
  }

  read(channel: string, since: Position | null, limit: number): LogPage {
    const known = this.find(channel)
    if (known === undefined) return unknownPage(since === null)
    const { epoch, ring } = known
    const isSameOrder = since === null || since.epoch === epoch
    const offset = isSameOrder && since !== null ? since.offset : 0
    const items = ring.items(offset, limit).map(copyOf)
    return { epoch, items, top: ring.top, isGapless: isSameOrder && ring.has(offset) }
  }

  readLast(channel: string, before: number | null, limit: number): LogPage {
    const known = this.find(channel)
    if (known === undefined) return unknownPage(true)
    const { epoch, ring } = known
    const end = Math.min(before ?? Number.POSITIVE_INFINITY, ring.top + 1)
    const items = ring.last(end, limit).map(copyOf)
    return { epoch, items, top: ring.top, isGapless: end > ring.first || end <= 1 }
  }

  retained(channel: string): LogPage {
    const known = this.find(channel)
    if (known === undefined) return unknownPage(true)
    const { epoch, ring, retained } = known
    const items = retained?.items().map(copyOf) ?? []
    return { epoch, items, top: ring.top, isGapless: retained?.isWhole ?? true }
  }

  retain(channel: string, key: string, frame: Uint8Array): { readonly isGapless: boolean } {
    const known = this.channels.get(channel) ?? this.open(channel)
    return { isGapless: known.retain(key, frame) }
  }

  retainedUnder(channel: string, key: string): Uint8Array | null {
    const frame = this.channels.get(channel)?.retained?.get(key)
    return frame === undefined ? null : new Uint8Array(frame)
  }

  release(channel: string): void {
    this.channels.get(channel)?.release()
  }

  /** A channel has no subscriber any more. */
  onUnsubscribed(channel: string): void {
    this.channels.get(channel)?.onEmptied()
  }

  onEmptied(channel: MemoryChannel): void {
    if (!this.bus.has(channel.name)) this.forget(channel)
  }

  close(): void {
    for (const channel of this.channels.values()) this.forget(channel)
  }

  /** A channel that is subscribed keeps the epoch that it is read with. */
  private find(channel: string): MemoryChannel | undefined {
    return this.channels.get(channel) ?? (this.bus.has(channel) ? this.open(channel) : undefined)
  }

  private open(name: string): MemoryChannel {
    const channel = new MemoryChannel(name, this.budget, this)
    this.channels.set(name, channel)
    return channel
  }

  private forget(channel: MemoryChannel): void {
    this.channels.delete(channel.name)
    channel.close()
  }
}

/** Of a channel that nothing is known of. Its epoch is nobody's: the next one to ask, or to append, gets another. */
function unknownPage(isGapless: boolean): LogPage {
  return { epoch: newEpoch(), items: [], top: 0, isGapless }
}

function copyOf({ offset, at, frame }: LogItem): LogItem {
  return { offset, at, frame: new Uint8Array(frame) }
}
