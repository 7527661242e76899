import type { Deadline, TimingWheel } from './timing-wheel'

/**
 * A deadline that is moved more often than it is reached. Moving it further away costs a comparison: the entry in the
 * wheel stays where it is, and moves on when its time comes.
 */
export class MovableDeadline implements Deadline {
  slot: Set<Deadline> | null = null
  dueAt = 0
  private target = 0

  /** @param onDue  Called when the time that was set last is over. Must not throw. */
  constructor(
    private readonly wheel: TimingWheel,
    private readonly onDue: () => void,
  ) {}

  /** Sets the time, in milliseconds from now, whatever it was before. */
  set(afterMs: number): void {
    this.target = this.wheel.now() + afterMs
    if (this.slot !== null && this.dueAt <= this.target) return
    if (this.slot !== null) this.wheel.cancel(this)
    this.wheel.schedule(this, afterMs)
  }

  /** As {@link set}, unless the time set before is later. */
  extend(afterMs: number): void {
    if (this.slot === null || this.target < this.wheel.now() + afterMs) this.set(afterMs)
  }

  cancel(): void {
    this.wheel.cancel(this)
  }

  expire(): void {
    const leftMs = this.target - this.wheel.now()
    if (leftMs > 0) this.wheel.schedule(this, leftMs)
    else this.onDue()
  }
}
