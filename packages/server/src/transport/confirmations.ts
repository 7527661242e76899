/** Of the payload of a ping: how many bytes the WebSocket had been handed, as a float 64. */
const MARK_BYTES = 8
/** Marks on their way at once. Clients bound the pings that they answer: `ws` gives up beyond 60. */
const MAX_MARKS = 16
/** Answers that are remembered: two rounds of them. */
const LATELY = 8
/** A clock that stands still would make any rate of it. */
const SHORTEST_MS = 0.1

/** How far something has got. */
interface Mark {
  /** Bytes handed over in front of it, since the link opened. */
  readonly bytes: number
  /** What was confirmed when it left. */
  readonly confirmed: number
  /** When it left: turns of the loop in milliseconds, {@link FlowClock}. */
  readonly turn: number
  /** The same, of the monotonic clock. */
  readonly at: number
}

/**
 * What a client has received of what its WebSocket was handed. The kernel takes some 4 MB for a client that reads nothing,
 * so what the engine still holds says nothing about it. A ping goes the way of the data, and its pong (RFC 6455 section 5.5.3) comes
 * without any help of the page.
 */
export class Confirmations {
  /** Bytes that have certainly arrived. */
  confirmed = 0
  private readonly marks: Mark[] = []
  /** Bytes in front of the last mark. */
  private marked = 0
  private shortestMs = Number.POSITIVE_INFINITY
  /** Of the last answers: the rate, times the shortest time that a ping has taken. */
  private readonly lately: number[] = []

  /** Whether something is on its way that will be confirmed. */
  get isPending(): boolean {
    return this.marks.length > 0
  }

  /**
   * Bytes that the way to the client and back has place for. The least of what the last answers say: where frames are let through in bursts some pings
   * take no time at all.
   */
  get pathBytes(): number {
    return this.lately.length < LATELY ? 0 : Math.min(...this.lately)
  }

  /** Bytes handed over since the last mark. */
  unmarked(handed: number): number {
    return handed - this.marked
  }

  /** Since when the oldest mark has been on its way, in turns of the loop; Infinity if there is none. */
  get pendingSince(): number {
    return this.marks[0]?.turn ?? Number.POSITIVE_INFINITY
  }

  /**
   * @param turn  Milliseconds of the loop's turns.
   * @param now   Milliseconds of the monotonic clock.
   * @returns The payload of the ping to be sent; null if there are too many on their way.
   */
  mark(handed: number, turn: number, now: number): Uint8Array | null {
    if (this.marks.length >= MAX_MARKS) return null
    this.marks.push({ bytes: handed, confirmed: this.confirmed, turn, at: now })
    this.marked = handed
    const payload = new Uint8Array(MARK_BYTES)
    new DataView(payload.buffer).setFloat64(0, handed)
    return payload
  }

  /** A pong has come. @returns Whether it answers one of ours: the engine has pings of its own. */
  confirm(payload: ArrayBuffer, now: number): boolean {
    if (payload.byteLength !== MARK_BYTES) return false
    const bytes = new DataView(payload).getFloat64(0)
    const index = this.marks.findIndex((mark) => mark.bytes === bytes)
    const mark = this.marks[index]
    if (mark === undefined) return false
    // One answer may stand for several pings. RFC 6455 section 5.5.3.
    this.marks.splice(0, index + 1)
    this.confirmed = bytes
    const tookMs = Math.max(now - mark.at, SHORTEST_MS)
    this.shortestMs = Math.min(this.shortestMs, tookMs)
    this.lately.push(((bytes - mark.confirmed) / tookMs) * this.shortestMs)
    if (this.lately.length > LATELY) this.lately.shift()
    return true
  }
}
