import type { Deadline, TimingWheel } from '../connection/timing-wheel'
import type { WirePort } from '../connection/wire-port'
import type { FlowLimits } from '../options/flow-limits'
import type { Audience } from '../rooms/room-index'
import type { TurnQueue } from './turn-queue'

/** How long a room that was sent little waits until it is looked at. */
const CHECK_MS = 250

/** A room that was sent less than this part of a step is not looked at: its members would have to be in many like it. */
const QUIET_PARTS = 16

/** Those who share a topic, as far as their links are concerned. */
type Receivers = Pick<Audience<unknown>, 'bytes' | 'checkedBytes' | 'isFresh' | 'isUnchecked'> & {
  readonly members: Iterable<{ readonly wire: WirePort | undefined }>
}

/**
 * Sees whether clients take what their rooms are sent.
 *
 * A publish to a thousand members is one call, and must not become a thousand. So a room counts its bytes, and each link knows what the
 * counts of its rooms were when it came; only after a step of bytes, or a quarter of a second, every member is looked at.
 */
export class FlowControl implements Deadline {
  slot: Set<Deadline> | null = null
  dueAt = 0
  private unchecked: Receivers[] = []

  constructor(
    private readonly turn: TurnQueue,
    private readonly wheel: TimingWheel,
    private readonly limits: FlowLimits,
  ) {}

  /** A frame was published to a shared topic. @param isFresh  A latest value. */
  published(receivers: Receivers, bytes: number, isFresh: boolean): void {
    receivers.bytes += bytes
    if (isFresh) receivers.isFresh = true
    const { freshStepBytes, stepBytes } = this.limits
    const unchecked = receivers.bytes - receivers.checkedBytes
    if (unchecked >= (receivers.isFresh ? freshStepBytes : stepBytes)) {
      receivers.checkedBytes = receivers.bytes
      // A link that is behind is taken off its topics, which is not for the middle of a delivery.
      return this.turn.whenIdle(() => check(receivers))
    }
    if (receivers.isUnchecked || unchecked < stepBytes / QUIET_PARTS) return
    receivers.isUnchecked = true
    this.unchecked.push(receivers)
    if (this.slot === null) this.wheel.schedule(this, CHECK_MS)
  }

  expire(): void {
    for (const receivers of this.unchecked.splice(0)) {
      receivers.isUnchecked = false
      check(receivers)
    }
  }
}

function check(receivers: Receivers): void {
  const { isFresh, members } = receivers
  receivers.checkedBytes = receivers.bytes
  receivers.isFresh = false
  for (const { wire } of members) wire?.check(isFresh)
}
