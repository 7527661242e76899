import type { LatestValue, PublishPort, WirePort } from '../connection/wire-port'
import { ownTopic, type RoomMember } from '../rooms/room-index'

/** Frames that a turn may hold before it is flushed early. */
const MAX_QUEUED_BYTES = 1024 * 1024

/** One socket, as far as sending to it goes. */
export type DirectReceiver = Pick<RoomMember, 'hasOwnTopic' | 'id' | 'wire'>

/** What a frame is when it leaves. */
export type FinishFrame = (frame: Uint8Array) => Uint8Array

/** Something that leaves the server in its turn. */
interface Delivery {
  deliver(): void
}

/**
 * Keeps one order for everything that leaves the server, and gathers what message handlers send.
 *
 *   outside a message callback, nothing queued   delivered at once
 *   inside one, or something queued              queued, delivered at the end of the loop turn
 *
 * Why: the engine holds 32 publishes per socket and turn, and inside a message callback the 33rd is
 * written by itself: 3.9 us per delivery instead of 0.29. From a flush outside of any callback there is no such
 * cliff. A flush comes before everything that changes who receives: join, leave, close.
 */
export class TurnQueue {
  private queue: Delivery[] = []
  private next = 0
  private queuedBytes = 0
  private current: WirePort | null = null
  private isDelivering = false
  private readonly afterwards: (() => void)[] = []
  private scheduled: NodeJS.Immediate | undefined

  /** @param publisher  The engine's publish; replaced when the server listens. */
  constructor(public publisher: PublishPort) {}

  /** Called by the transport before it hands over a message of `wire`. */
  enterCallback(wire: WirePort): void {
    this.current = wire
  }

  /** Called by the transport after it handed a message over. */
  leaveCallback(): void {
    this.current = null
  }

  /** Whether a delivery has to be queued to keep its place, or to be gathered with its turn. */
  private get mustQueue(): boolean {
    return this.current !== null || this.isDelivering || this.queue.length > 0
  }

  /**
   * Runs what calls user code: now, or when the delivery that is running has ended. A large publish may
   * close a slow socket in its middle, while others are muted; nobody may join, leave or emit then.
   */
  whenIdle(action: () => void): void {
    if (this.isDelivering) this.afterwards.push(action)
    else action()
  }

  /**
   * Sends a frame to one socket. The bytes are copied before it returns.
   *
   * @param finish  Makes the frame what it is when its turn has come; null leaves it as it is.
   * @param latest  For a client that is behind: the frame takes the place of an older one of this id.
   */
  send(
    member: DirectReceiver,
    frame: Uint8Array,
    compress: boolean,
    finish: FinishFrame | null = null,
    latest: LatestValue | null = null,
  ): void {
    const { wire } = member
    if (wire === undefined) return
    if (this.isDelivering || this.queue.length > 0 || (this.current !== null && this.current !== wire)) {
      const copy = frame.slice()
      const deliver = () => this.publishTo(member, finish === null ? copy : finish(copy), compress, latest)
      return this.push({ deliver }, copy.length)
    }
    const finished = finish === null ? frame : finish(frame)
    // The engine gathers what a socket is sent from its own message callback.
    if (this.current === wire) wire.send(finished, compress, latest)
    // A publish to one is gathered with the rest of the turn; a send would be a system call of its own.
    else this.publishTo(member, finished, compress, latest)
  }

  /** Publishes to one socket, now: part of a delivery. */
  publishTo(member: DirectReceiver, frame: Uint8Array, compress: boolean, latest: LatestValue | null = null): void {
    this.publisher.publish(ownTopic(member), frame, compress, latest)
    member.wire?.count(frame.length, latest !== null)
  }

  /**
   * Delivers at once if nothing is in the way, else in its turn.
   *
   * @param frame  Given to `deliver`; copied if it has to wait.
   */
  perform(deliver: (frame: Uint8Array) => void, frame: Uint8Array): void {
    if (this.mustQueue) {
      const copy = frame.slice()
      this.push({ deliver: () => deliver(copy) }, copy.length)
    } else {
      this.isDelivering = true
      try {
        deliver(frame)
      } finally {
        this.endDelivery()
      }
    }
  }

  /** Delivers what is queued, in order. */
  flush(): void {
    if (this.queue.length === 0 || this.isDelivering) return
    clearImmediate(this.scheduled)
    this.scheduled = undefined
    this.isDelivering = true
    try {
      while (this.next < this.queue.length) (this.queue[this.next++] as Delivery).deliver()
    } finally {
      // What a failing delivery leaves behind goes on with the next flush: a queue that stays busy would be silence.
      this.queue = this.queue.slice(this.next)
      this.next = 0
      if (this.queue.length === 0) this.queuedBytes = 0
      else this.scheduled = setImmediate(() => this.flush())
      this.endDelivery()
    }
  }

  private push(delivery: Delivery, bytes: number): void {
    this.queue.push(delivery)
    this.queuedBytes += bytes
    if (this.queuedBytes > MAX_QUEUED_BYTES) this.flush()
    else this.scheduled ??= setImmediate(() => this.flush())
  }

  private endDelivery(): void {
    this.isDelivering = false
    for (let action = this.afterwards.shift(); action !== undefined; action = this.afterwards.shift()) action()
  }
}
