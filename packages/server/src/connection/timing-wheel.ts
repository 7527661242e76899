/*
 * All deadlines of a server on one timer: a million pending acks cost 333 MB with a timer each and 100 MB
 * without. Slots hold the entries that may expire in one tick; an entry further away than one turn stays
 * in its slot for several turns.
 */

const TICK_MS = 25
const SLOTS = 512
/** A tick that comes this much late means that the process stood still, and did not read what clients sent. */
const STALL_MS = 500
/** Time to read it. */
const GRACE_MS = 1_000

/** Something that happens once, later. */
export interface Deadline {
  /** Set by the wheel. */
  slot: Set<Deadline> | null
  /** Milliseconds of the monotonic clock. Set by the wheel. */
  dueAt: number
  /** Called once, up to one tick late, never early. Must not throw. */
  expire(): void
}

/** Deadlines with a resolution of 25 ms. The timer runs only while there are any, and never keeps the process alive. */
export class TimingWheel {
  private readonly slots: Set<Deadline>[] = Array.from({ length: SLOTS }, () => new Set())
  private count = 0
  private timer: NodeJS.Timeout | undefined
  private tick = 0
  private lastAdvanceAt = 0
  private lastStallAt = Number.NEGATIVE_INFINITY

  constructor(private readonly clock: () => number = () => performance.now()) {}

  /** Milliseconds of the monotonic clock. */
  now(): number {
    return this.clock()
  }

  /**
   * Milliseconds that a verdict of "the client was silent" has to wait, because this process was: after a stall the
   * timers run before the bytes that arrived during it are read. 0 as a rule. Calls without an answer do not ask.
   */
  graceMs(): number {
    return Math.max(0, this.lastStallAt + GRACE_MS - this.now())
  }

  /** How many deadlines are pending. */
  get size(): number {
    return this.count
  }

  /** Schedules `deadline` in `afterMs` milliseconds. */
  schedule(deadline: Deadline, afterMs: number): void {
    if (this.timer === undefined) {
      this.lastAdvanceAt = this.now()
      this.tick = Math.floor(this.lastAdvanceAt / TICK_MS)
      this.timer = setInterval(() => this.advance(), TICK_MS)
      this.timer.unref()
    }
    deadline.dueAt = this.now() + afterMs
    // Never a tick that has been visited: it comes round again only after a whole turn.
    const dueTick = Math.max(Math.ceil(deadline.dueAt / TICK_MS), this.tick + 1)
    const slot = this.slots[dueTick % SLOTS] as Set<Deadline>
    deadline.slot = slot
    slot.add(deadline)
    this.count++
  }

  /** Forgets `deadline`; harmless when it has expired or was never scheduled. */
  cancel(deadline: Deadline): void {
    if (deadline.slot?.delete(deadline)) this.count--
    deadline.slot = null
    this.stopIfIdle()
  }

  private advance(): void {
    const now = this.now()
    const last = Math.floor(now / TICK_MS)
    if (now - this.lastAdvanceAt > TICK_MS + STALL_MS) this.lastStallAt = now
    this.lastAdvanceAt = now
    // After a stall one turn visits every slot; more would visit them again.
    for (let tick = Math.max(this.tick + 1, last - SLOTS + 1); tick <= last; tick++) {
      for (const deadline of this.slots[tick % SLOTS] as Set<Deadline>) {
        if (deadline.dueAt > now) continue
        deadline.slot?.delete(deadline)
        deadline.slot = null
        this.count--
        deadline.expire()
      }
    }
    this.tick = last
    this.stopIfIdle()
  }

  private stopIfIdle(): void {
    if (this.count > 0) return
    clearInterval(this.timer)
    this.timer = undefined
  }
}
