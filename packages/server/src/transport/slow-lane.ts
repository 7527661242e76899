import type { LatestValue } from '../connection/wire-port'
import { FrameQueue, type QueuedFrame } from './frame-queue'
import type { TopicReceiver } from './topic-table'

/** Whose lane it is. */
export interface LaneHost {
  /** Whether there is as much as may be, before another frame comes. */
  isFull(): boolean
  /** A frame has come. @param wasFull  There was no place for it, and it has taken nobody's. */
  onQueued(hasReplaced: boolean, wasFull: boolean): void
}

/** What a WebSocket that is behind is served from: topics of our own instead of the engine's, and a queue. */
export class SlowLane implements TopicReceiver {
  readonly topics = new Set<string>()
  private readonly queue = new FrameQueue()

  constructor(private readonly host: LaneHost) {}

  /** What the queue costs in memory, about. */
  get weight(): number {
    return this.queue.weight
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.queue.bytes
  }

  /** What is sent next; undefined if nothing waits. */
  get next(): QueuedFrame | undefined {
    return this.queue.next
  }

  enqueue(frame: Uint8Array, compress: boolean, latest: LatestValue | null): void {
    const isFull = this.host.isFull()
    const hasReplaced = this.queue.push(frame, compress, latest, this.queue.acknowledged)
    this.host.onQueued(hasReplaced, isFull && !hasReplaced)
  }

  /** {@link next} was sent. */
  shift(): void {
    this.queue.acknowledge(this.queue.acknowledged + 1)
  }

  clear(): void {
    this.queue.clear()
  }
}
