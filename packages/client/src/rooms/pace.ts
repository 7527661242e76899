/** Between two snapshots of one room: at first, and at most. */
const LEAST_MS = 2_000
const MOST_MS = 30_000
/** After so long the next one comes at once again. */
const QUIET_MS = 60_000

/** How soon the snapshot of a room may be asked for again: at once, then ever later, as long as one follows the other. */
export class Pace {
  #askedAt = Number.NEGATIVE_INFINITY
  #restMs = 0

  /** @returns 0 if it may be asked for, and then it is; or the milliseconds that are left. */
  take(): number {
    const now = performance.now()
    const idleMs = now - this.#askedAt
    if (idleMs > QUIET_MS) this.#restMs = 0
    if (idleMs < this.#restMs) return this.#restMs - idleMs
    this.#askedAt = now
    this.#restMs = Math.min(MOST_MS, Math.max(LEAST_MS, 2 * this.#restMs))
    return 0
  }

  /** The room was joined on a new connection. */
  reset(): void {
    this.#restMs = 0
  }
}
