import type { Deadline, TimingWheel } from '../connection/timing-wheel'

const TICK_MS = 25
/** How long it runs on when nobody asks. */
const IDLE_TICKS = 40

/**
 * Milliseconds in which the process could have read what clients sent: one tick for each turn of the loop, however long the turn took.
 * By any other clock a server that is busy would find all its clients slow at once, and be busier still.
 */
export class FlowClock implements Deadline {
  slot: Set<Deadline> | null = null
  dueAt = 0
  private ms = 0
  private idleTicks = 0

  constructor(private readonly wheel: TimingWheel) {}

  /** Milliseconds, in steps of 25; runs while it is asked. */
  now(): number {
    this.idleTicks = 0
    if (this.slot === null) this.wheel.schedule(this, 1)
    return this.ms
  }

  expire(): void {
    this.ms += TICK_MS
    if (this.idleTicks++ < IDLE_TICKS) this.wheel.schedule(this, 1)
  }
}
