/** An inclusive range of positions. */
export interface PositionRange {
  readonly from: number
  readonly to: number
}

/** A message of a stream, as it arrived. */
export interface StreamMessage {
  readonly position: number
  readonly event: number | string
  readonly args: readonly unknown[]
}

/**
 * The account of one stream (PROTOCOL.md section 12) by a client that only looks on: it holds nothing back, drops nothing
 * and repairs nothing, and shares no code with the client.
 */
export class RawStream {
  /** Every message in the order in which it arrived, those that came before included. */
  readonly received: StreamMessage[] = []
  readonly skips: PositionRange[] = []
  /** What the server has said to be gone. */
  readonly losts: PositionRange[] = []
  /** What was missing in front of a message or a skip when that arrived, and when a session went on further ahead. */
  readonly gaps: PositionRange[] = []
  /** Messages whose position was taken already: by a message, a skip, a loss or the beginning. */
  duplicates = 0
  /** What was taken beyond {@link position}. */
  private ahead: PositionRange[] = []
  private covered: number | null = null
  private highest = 0

  /**
   * @param room   Number of the room; 0 is the socket's own stream.
   * @param first  Position at which it begins; null for a stream that nobody has announced.
   */
  constructor(
    readonly room: number,
    private first: number | null,
  ) {
    this.start(first)
  }

  /** Position at which it began, 0 for the beginning of all; null as long as nobody has told. */
  get begin(): number | null {
    return this.first
  }

  /** Position up to which nothing is missing; null as long as nobody has told where the stream begins. */
  get position(): number | null {
    return this.covered
  }

  /** The highest position that was taken. */
  get top(): number {
    return this.highest
  }

  /** What is missing behind the beginning, below {@link top}. */
  get missing(): PositionRange[] {
    if (this.covered === null) return []
    const missing: PositionRange[] = []
    let last = this.covered
    for (const { from, to } of [...this.ahead].sort((a, b) => a.from - b.from)) {
      if (from > last + 1) missing.push({ from: last + 1, to: from - 1 })
      last = Math.max(last, to)
    }
    return missing
  }

  /** What an application would have been given: in order, each once, up to {@link position}. */
  get delivered(): StreamMessage[] {
    const byPosition = new Map<number, StreamMessage>()
    for (const message of this.received) {
      if (!byPosition.has(message.position)) byPosition.set(message.position, message)
    }
    const begin = this.first ?? Number.POSITIVE_INFINITY
    return [...byPosition.values()]
      .filter(({ position }) => position > begin && position <= (this.covered ?? 0))
      .sort((a, b) => a.position - b.position)
  }

  /** Takes a message. */
  take(message: StreamMessage): void {
    const { position } = message
    this.received.push(message)
    if (this.isTaken(position)) this.duplicates++
    this.cover(position, position)
  }

  /** Takes a notice `skip`. */
  skip(from: number, to: number): void {
    this.skips.push({ from, to })
    this.cover(from, to)
  }

  /** Takes a notice `lost`. */
  lose(position: number): void {
    const from = (this.covered ?? 0) + 1
    if (position < from) return
    this.losts.push({ from, to: position })
    this.covered ??= 0
    this.first ??= 0
    this.join(from, position)
  }

  /** Learns where it begins, as with `joined`; what has come already counts. */
  beginAt(position: number): void {
    this.first = position
    this.start(position)
  }

  /** A copy that goes on, on another connection, where CONNECTED says. */
  resumed(room: number, position: number): RawStream {
    const next = new RawStream(room, this.first)
    next.received.push(...this.received)
    next.skips.push(...this.skips)
    next.losts.push(...this.losts)
    next.gaps.push(...this.gaps)
    next.duplicates = this.duplicates
    next.first ??= position
    next.covered = position
    // A room of another number has an order of its own.
    next.highest = room === this.room ? Math.max(this.highest, position) : position
    if (room === this.room) next.ahead = this.ahead.filter(({ to }) => to > position)
    const before = this.covered
    if (room === this.room && before !== null && position > before) next.gaps.push({ from: before + 1, to: position })
    next.advance()
    return next
  }

  private start(begin: number | null): void {
    if (begin === null) return
    this.covered = begin
    this.highest = Math.max(this.highest, begin)
    this.advance()
  }

  private isTaken(position: number): boolean {
    if (this.covered !== null && position <= this.covered) return true
    return this.ahead.some(({ from, to }) => position >= from && position <= to)
  }

  private cover(from: number, to: number): void {
    if (this.covered !== null && from > this.highest + 1) this.gaps.push({ from: this.highest + 1, to: from - 1 })
    this.join(from, to)
  }

  private join(from: number, to: number): void {
    const last = this.ahead.at(-1)
    // In order it stays one range, whatever is missing in front of it.
    if (last !== undefined && last.to + 1 === from) this.ahead[this.ahead.length - 1] = { from: last.from, to }
    else this.ahead.push({ from, to })
    this.highest = Math.max(this.highest, to)
    this.advance()
  }

  private advance(): void {
    if (this.covered === null || this.ahead.length === 0) return
    let covered = this.covered
    const rest: PositionRange[] = []
    for (const range of [...this.ahead].sort((a, b) => a.from - b.from)) {
      if (range.from <= covered + 1) covered = Math.max(covered, range.to)
      else rest.push(range)
    }
    this.covered = covered
    this.ahead = rest
  }
}
