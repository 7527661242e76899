import { LIMITS } from '@roomcast/protocol'
import { type Audience, newAudience, type RoomMember, tie, untie } from '../rooms/room-index'
import type { DeliveryFlags } from './delivery-flags'
import { PendingValue } from './pending-value'
import type { TurnQueue } from './turn-queue'

/** Publishes to those who share a topic. */
export type PublishToAll<Member> = (
  audience: Audience<Member>,
  excepted: ReadonlySet<Member> | null,
  frame: Uint8Array,
  flags: DeliveryFlags,
) => void

/** A value that a member would have been sent. */
export interface WaitingFrame {
  readonly frame: Uint8Array
  readonly flags: DeliveryFlags
}

const GRAINS_MS = [25, 5, 1]
const NO_BYTES = new Uint8Array(0)

/**
 * The members of a room who have chosen the same rate: the newest of each value, once in a period, published for all of them.
 *
 *   silent ──value──► published at once, and the period begins ──value──► waits ──end of the period──► published, the next begins
 *      ▲                     └── nothing came in the period ──┐                                              │
 *      └──────────────────────────────────────────────────────┴──────────────────────────────────────────────┘
 */
export class RateGroup<Member extends RoomMember> {
  readonly members = new Set<Member>()
  readonly audience: Audience<Member>
  private readonly pending = new Map<string, PendingValue<Member>>()
  private pendingBytes = 0
  private timer: NodeJS.Timeout | undefined
  /** Not earlier, by the monotonic clock. */
  private nextAt = Number.NEGATIVE_INFINITY

  /** Ends of periods are on a grid, so that those of several groups are written together; 0 for periods that would drift on it. */
  private readonly grainMs: number

  constructor(
    topic: string,
    readonly periodMs: number,
    private readonly turn: TurnQueue,
    private readonly publishTo: PublishToAll<Member>,
  ) {
    this.audience = newAudience(topic, this.members)
    this.grainMs = GRAINS_MS.find((grain) => periodMs % grain === 0) ?? 0
  }

  /** A value whose turn has come. @param frame  Kept as it is. @param left  Members whom it is not for. */
  take(frame: Uint8Array, flags: DeliveryFlags, left: ReadonlySet<Member> | null): void {
    const { latest } = flags
    if (!latest || (left !== null && left.size >= this.members.size)) return
    const now = performance.now()
    if (this.pending.size === 0 && this.timer === undefined && now >= this.nextAt) {
      this.nextAt = now + this.periodMs
      return this.publishTo(this.audience, left, frame, flags)
    }
    const pending = this.pending.get(latest.id)
    const bytesBefore = pending?.common.length ?? 0
    if (pending === undefined) this.pending.set(latest.id, PendingValue.of(frame, flags, left))
    else pending.update(frame, flags, left)
    this.pendingBytes += (pending?.common.length ?? frame.length) - bytesBefore
    if (this.pending.size <= LIMITS.pacedValues && this.pendingBytes <= LIMITS.pacedBytes) return this.wait(now)
    // The period begins anew. Added to the one that runs, periods would pile up, and the last value wait for all of them.
    this.nextAt = now
    this.publish()
  }

  /** A member comes: what waits was sent before. */
  add(member: Member): void {
    this.members.add(member)
    tie(member, this.audience)
    for (const value of this.pending.values()) value.leaveOut(member)
  }

  /** A member goes. @returns What waits for it. */
  remove(member: Member): readonly WaitingFrame[] {
    untie(member, this.audience)
    this.members.delete(member)
    const waiting: WaitingFrame[] = []
    for (const value of this.pending.values()) {
      const frame = value.for(member)
      if (frame !== null) waiting.push({ frame, flags: value.flags })
      value.forget(member)
    }
    if (this.members.size === 0) this.clear()
    return waiting
  }

  /** Publishes what waits, at once. */
  flush(): void {
    if (this.pending.size > 0) this.turn.perform(() => this.publish(), NO_BYTES)
  }

  private wait(now: number): void {
    if (this.timer !== undefined) return
    const { grainMs } = this
    this.nextAt = Math.max(this.nextAt, now)
    if (grainMs > 0) this.nextAt = Math.ceil(this.nextAt / grainMs) * grainMs
    this.timer = setTimeout(() => this.end(), this.nextAt - now)
    this.timer.unref()
  }

  private end(): void {
    this.timer = undefined
    this.flush()
  }

  private publish(): void {
    const now = performance.now()
    // From when it should have been: a timer that is late now and then makes the rate no lower.
    this.nextAt = Math.max(this.nextAt, now - this.periodMs) + this.periodMs
    const values = [...this.pending]
    this.clear()
    let next = 0
    try {
      while (next < values.length) this.publishValue((values[next++] as (typeof values)[number])[1])
    } finally {
      // What a publish that fails leaves behind has the next period.
      for (const [id, value] of values.slice(next)) {
        this.pending.set(id, value)
        this.pendingBytes += value.common.length
      }
      if (this.pending.size > 0) this.wait(now)
    }
  }

  private publishValue({ common, flags, exceptions }: PendingValue<Member>): void {
    const excepted = exceptions === null ? null : new Set(exceptions.keys())
    this.publishTo(this.audience, excepted, common, flags)
    for (const [member, frame] of exceptions ?? []) {
      if (frame !== null) this.turn.publishTo(member, frame, flags.compress, flags.latest)
    }
  }

  private clear(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.pending.clear()
    this.pendingBytes = 0
  }
}
