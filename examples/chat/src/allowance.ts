/** How many events one connection may still send: a bucket that refills over time. */
export class Allowance {
  private left: number
  private filledAt: number

  /**
   * @param burst      Events that may come at once.
   * @param perSecond  Events regained per second.
   * @param now        The clock, in milliseconds.
   */
  constructor(
    private readonly burst: number,
    private readonly perSecond: number,
    private readonly now: () => number = Date.now,
  ) {
    this.left = burst
    this.filledAt = now()
  }

  /** Takes one event out. @returns false when there is none left. */
  take(): boolean {
    const now = this.now()
    this.left = Math.min(this.burst, this.left + ((now - this.filledAt) / 1_000) * this.perSecond)
    this.filledAt = now
    if (this.left < 1) return false
    this.left -= 1
    return true
  }
}
