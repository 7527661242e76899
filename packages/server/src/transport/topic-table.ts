import type { LatestValue } from '../connection/wire-port'

/** Somebody who is sent what is published to a topic. */
export interface TopicReceiver {
  /** Topics it is subscribed to. Kept by the table. */
  readonly topics: Set<string>
  /**
   * @param frame   Shared by all receivers: kept as it is, and not changed.
   * @param latest  The frame takes the place of an older one of this id.
   */
  enqueue(frame: Uint8Array, compress: boolean, latest: LatestValue | null): void
}

/**
 * Topics of those whom the engine cannot reach: polling sessions. Beside the engine's own, with the same names, so that a
 * publish goes to both. Costs nothing while there are no such sessions.
 */
export class TopicTable {
  private readonly topics = new Map<string, Set<TopicReceiver>>()

  /** Topics with a subscriber. */
  get size(): number {
    return this.topics.size
  }

  subscribe(topic: string, receiver: TopicReceiver): void {
    receiver.topics.add(topic)
    const receivers = this.topics.get(topic)
    if (receivers === undefined) this.topics.set(topic, new Set([receiver]))
    else receivers.add(receiver)
  }

  unsubscribe(topic: string, receiver: TopicReceiver): void {
    receiver.topics.delete(topic)
    const receivers = this.topics.get(topic)
    if (receivers?.delete(receiver) && receivers.size === 0) this.topics.delete(topic)
  }

  /** Takes a receiver out of all its topics. */
  remove(receiver: TopicReceiver): void {
    for (const topic of receiver.topics) this.unsubscribe(topic, receiver)
  }

  /** @param frame  Copied once, for all receivers. */
  publish(topic: string, frame: Uint8Array, compress: boolean, latest: LatestValue | null): void {
    const receivers = this.topics.get(topic)
    if (receivers === undefined) return
    const copy = frame.slice()
    // A receiver that is too slow is closed by this, and leaves the set meanwhile.
    for (const receiver of receivers) receiver.enqueue(copy, compress, latest)
  }
}
