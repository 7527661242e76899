/** First of the ids of calls. All ids have two digits, so that calls and answers are equally long. */
export const FIRST_ID = 10
/** So many calls of one connection may wait for answers; each has an id of its own then. */
export const IDS = 90

/**
 * When calls are due: in equal distances from `startMs` on, the connections taking turns. Each connection sends its calls
 * in order.
 */
export class Schedule {
  constructor(
    private readonly startMs: number,
    private readonly perSecond: number,
    private readonly connections: number,
    /** How long calls become due. */
    windowMs: number,
  ) {
    this.total = Math.max(1, Math.round((perSecond * windowMs) / 1_000))
  }

  readonly total: number

  /** How many calls are due at `nowMs`, on all connections together. */
  dueAt(nowMs: number): number {
    const due = Math.floor(((nowMs - this.startMs) * this.perSecond) / 1_000) + 1
    return Math.max(0, Math.min(this.total, due))
  }

  /** When call `sequence` of a connection is due, the first being 0. */
  timeOf(connection: number, sequence: number): number {
    return this.startMs + ((sequence * this.connections + connection) / this.perSecond) * 1_000
  }
}
