/** An inclusive range of numbers. */
export interface NumberRange {
  readonly from: number
  readonly to: number
}

/** What became of the messages to one client. */
export interface AccountReport {
  readonly delivered: number
  /** Messages that were not delivered, and that the client was told of. */
  readonly told: number
  /** Messages that were not delivered, without a word. */
  readonly silent: number
  /** Messages that came again, or behind a later one. */
  readonly disordered: number
}

/**
 * The account of a client of one room, whose messages are numbered by the sender without gaps: each is delivered in its
 * turn, or the client is told that it is missing.
 */
export class StreamAccount {
  /** Number of the last message in order; undefined before the first. */
  last: number | undefined
  private delivered = 0
  private disordered = 0
  private readonly holes: NumberRange[] = []
  private readonly tolds: NumberRange[] = []
  /** How far positions in the room are ahead of numbers: the same for all, as long as nobody else sends to the room. */
  private offset = 0
  private mayBeginAnew = false

  /** @param position  Of the message in the room. */
  take(number: number, position: number): void {
    this.offset = position - number
    if (this.last !== undefined && number <= this.last) {
      this.disordered++
      return
    }
    if (this.last !== undefined && number > this.last + 1) {
      const hole = { from: this.last + 1, to: number - 1 }
      this.holes.push(hole)
      if (this.mayBeginAnew) this.tolds.push(hole)
    }
    this.mayBeginAnew = false
    this.last = number
    this.delivered++
  }

  /** The client was told that these positions are lost. */
  tell({ from, to }: NumberRange): void {
    this.tolds.push({ from: from - this.offset, to: to - this.offset })
  }

  /** The client was told that the room begins anew: whatever is missing in front of the next message, it knows. */
  tellAnew(): void {
    this.mayBeginAnew = true
  }

  report(): AccountReport {
    let told = 0
    let silent = 0
    for (const { from, to } of this.holes) {
      for (let number = from; number <= to; number++) {
        if (this.tolds.some((range) => range.from <= number && number <= range.to)) told++
        else silent++
      }
    }
    return { delivered: this.delivered, told, silent, disordered: this.disordered }
  }
}
