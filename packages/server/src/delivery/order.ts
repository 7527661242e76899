/** Numbers for what is emitted: each higher than those before, and of several servers about in the order of their clocks. */
export class EmitOrder {
  /** Of what was emitted last. */
  last = 0

  next(): number {
    // Microseconds: below 2^53 for 250 years.
    this.last = Math.max(this.last + 1, Date.now() * 1_000)
    return this.last
  }
}
