import { RoomcastError } from '@roomcast/protocol'
import type { Bus, EngineEvents, Position } from '../engine'

/** Frames that may wait because they were sent while another one is being handed over. */
const MAX_WAITING = 10_000

/** A frame on its way; both null for one to this node. */
interface Delivery {
  readonly channel: string | null
  /** A channel that was left and subscribed to again in between does not get it. */
  readonly subscription: number | null
  readonly frame: Uint8Array
  readonly position: Position | null
}

/**
 * Frames go to their subscriber, which is the server of this process, before `publish` and `append` return. What is sent
 * while the server is taking a frame comes right behind it, so that one frame is done before the next one begins, and the
 * order is the same whatever the server does with a frame.
 */
export class MemoryBus implements Bus {
  readonly capabilities = { receivers: true }
  private readonly subscriptions = new Map<string, number>()
  private lastSubscription = 0
  private events: EngineEvents | null = null
  private readonly waiting: Delivery[] = []
  private isHanding = false

  /** @param onUnsubscribed  A channel has no subscriber any more. */
  constructor(
    private readonly nodeId: string,
    private readonly onUnsubscribed: (channel: string) => void,
  ) {}

  open(events: EngineEvents): void {
    this.events = events
  }

  close(): void {
    this.events = null
    this.subscriptions.clear()
  }

  has(channel: string): boolean {
    return this.subscriptions.has(channel)
  }

  subscribe(channels: readonly string[]): void {
    for (const channel of channels)
      if (!this.subscriptions.has(channel)) this.subscriptions.set(channel, ++this.lastSubscription)
  }

  unsubscribe(channels: readonly string[]): void {
    for (const channel of channels) if (this.subscriptions.delete(channel)) this.onUnsubscribed(channel)
  }

  publish(channel: string, frame: Uint8Array): { readonly receivers: number } {
    this.admit()
    return { receivers: this.hand(channel, frame, null) }
  }

  sendNode(nodeId: string, frame: Uint8Array): boolean {
    if (nodeId !== this.nodeId || this.events === null) return false
    this.admit()
    this.deliver({ channel: null, subscription: null, frame, position: null })
    return true
  }

  /** @throws RoomcastError `ENGINE_OVERLOADED` if a frame more would be too many. To be asked before anything is done with it. */
  admit(): void {
    if (this.waiting.length < MAX_WAITING) return
    const message = `${this.waiting.length} frames were sent from within the handling of one, limit ${MAX_WAITING}`
    throw new RoomcastError('ENGINE_OVERLOADED', message)
  }

  /** Hands a frame over, or a copy behind those that are. @returns How many receive it. */
  hand(channel: string, frame: Uint8Array, position: Position | null): number {
    const subscription = this.subscriptions.get(channel)
    if (subscription === undefined) return 0
    this.deliver({ channel, subscription, frame, position })
    return 1
  }

  /** A fault of the receiver is thrown when the frames behind it have been handed over. */
  private deliver(delivery: Delivery): void {
    if (this.isHanding) {
      this.waiting.push({ ...delivery, frame: new Uint8Array(delivery.frame) })
      return
    }
    this.isHanding = true
    const faults: unknown[] = []
    for (let next: Delivery | undefined = delivery; next !== undefined; next = this.waiting.shift()) {
      try {
        this.receive(next)
      } catch (fault) {
        if (faults.length === 0) faults.push(fault)
      }
    }
    this.isHanding = false
    if (faults.length > 0) throw faults[0]
  }

  private receive({ channel, subscription, frame, position }: Delivery): void {
    if (channel === null) this.events?.onNodeFrame(frame)
    else if (this.subscriptions.get(channel) === subscription) this.events?.onFrame(channel, frame, position)
  }
}
