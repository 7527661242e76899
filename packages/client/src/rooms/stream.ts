import type { AnyListener, PositionEntry } from '@roomcast/protocol'
import type { MessageOf } from '../inbound/server-message'
import { type EVENT, HELD_MESSAGES } from '../tables'

/** Bytes that all streams of a socket hold at most. */
const HELD_BYTES = 8_388_608

/** An event with a position. */
export type PlacedEvent = MessageOf<typeof EVENT>

/** Who a stream belongs to: a room that the socket has joined by itself. */
export interface StreamOwner {
  readonly name: string
  listenersOf(event: string): readonly AnyListener[]
}

/** What a {@link Stream} tells. */
export interface StreamHost {
  /** Bytes of the messages that its streams hold. */
  heldBytes: number
  /** A message whose turn it is. @param isHeard  Whether the socket has had it: it comes again, for the owner. */
  deliver(stream: Stream, message: PlacedEvent, isHeard: boolean): void
  /** It is known how a gap has ended: with the messages `from` to `to`, or without them. */
  report(stream: Stream, from: number, to: number, repaired: boolean): void
  /** Something is missing, and nobody has asked for it. */
  ask(): void
}

/** What has come too early: a message, or positions that hold nothing. */
interface Held {
  readonly first: number
  readonly last: number
  readonly message: PlacedEvent | null
}

/**
 * The account of one stream: up to which position everything was received. PROTOCOL.md, "Rooms, positions and sessions".
 *
 *   position + 1 ──► delivered            what is held follows, as far as there is no hole
 *   up to position ──► came before: dropped
 *   beyond ──► held, and asked for        until it has come, or is taken as lost
 *
 * The answer to a `join` may set it back: what follows the snapshot comes again, for the room that shows it.
 */
export class Stream {
  /** Who it belongs to; null for a room that the server has put the socket into, and for stream 0. */
  owner: StreamOwner | null = null
  /** Whether what is missing has been asked for. */
  isAsked = false
  /** Times that it was asked for in vain. */
  tries = 0
  #isOver = false
  /** In the order of positions. Not empty means: something is missing in front of it. */
  #held: Held[] = []
  /** The gap that is being closed; from 0 if there is none, or if it is not known where it begins. */
  #gapFrom = 0
  #gapTo = 0
  /** Behind which position the present count has begun. */
  #since = 0
  /** Counts before that, as far as they are ahead of this one: `[from, to]` was received behind `from`, up to `to`. */
  #heard: (readonly [from: number, to: number])[] = []
  readonly #host: StreamHost

  constructor(
    /** Number of the room on the server, 0 for the socket's own stream. */
    public number: number,
    /** Everything up to here was received; -1 as long as it is not known where the stream begins. */
    public position: number,
    host: StreamHost,
  ) {
    this.#host = host
  }

  /** Whether something is missing. */
  get hasGap(): boolean {
    return this.#held.length > 0
  }

  /** The last position that may be missing, if there is a gap. */
  get gapEnd(): number {
    return (this.#held.at(-1)?.first ?? 0) - 1
  }

  /** A message, or null for positions that hold nothing. */
  take(first: number, last: number, message: PlacedEvent | null): void {
    if (last <= this.position || this.#isOver) return
    if (this.position >= 0 && first <= this.position + 1) {
      this.#advance(last, message)
      return this.#proceed()
    }
    const held = this.#held
    let at = held.length
    while (at > 0 && (held[at - 1] as Held).first > first) at--
    if (held[at - 1]?.first === first) return
    const bytes = this.#host.heldBytes + (message?.bytes ?? 0)
    if (held.length >= HELD_MESSAGES || bytes > HELD_BYTES) {
      this.lose(first - 1)
      return this.take(first, last, message)
    }
    held.splice(at, 0, { first, last, message })
    this.#host.heldBytes = bytes
    this.#proceed()
  }

  /** The messages behind `position` follow; those before will not come. */
  begin(position: number): void {
    if (this.position >= 0) return this.lose(position)
    this.position = this.#since = position
    this.#proceed()
  }

  /**
   * The answer to `join`: the messages behind `position` follow, those that have come already too.
   *
   * @param before  The account of the same order on an earlier connection; null if there is none.
   */
  enter(position: number, before: Stream | null): void {
    this.#keep(({ first }) => first <= position)
    if (before) this.#heard = [...this.#heard, ...before.#heard, [before.#since, before.position]]
    if (position < this.position) {
      const { position: to } = this
      const from = this.#since
      this.#heard = [...this.#heard.filter((range) => range[0] < from || range[1] > to), [from, to]]
      this.position = this.#since = position
    } else this.begin(position)
    this.#heard = this.#heard.filter(([, to]) => to > position)
  }

  /** Goes on after another connection, where the room has this number. */
  resume(number: number, position: number, recovered: boolean): void {
    this.number = number
    if (!recovered) this.#heard = []
    if (recovered || position > this.position) this.lose(position)
    // Another order: the server had lost the one before.
    else this.position = this.#since = position
  }

  /** What is missing up to `position` will not come. What has come of it is delivered. */
  lose(position: number): void {
    this.position = Math.max(this.position, 0)
    while (!this.#isOver && this.position < position) {
      const next = this.#held[0]
      const to = Math.min(position, (next?.first ?? Number.POSITIVE_INFINITY) - 1)
      if (to > this.position) this.#miss(to)
      else this.#takeHeld()
    }
    this.#proceed()
  }

  /** All that is missing is taken as lost. */
  giveUp(): void {
    if (this.hasGap) this.lose(this.gapEnd)
  }

  /** The link is lost: what is held would be sent again on the next one. */
  pause(): void {
    this.#keep(() => false)
    this.#gapFrom = this.tries = 0
    this.isAsked = false
  }

  /** Nothing more comes, and what has come is delivered; not if it is not known where the stream begins. */
  end(): void {
    if (this.position >= 0) this.giveUp()
    this.drop()
  }

  /** Nothing is delivered any more. */
  drop(): void {
    this.#isOver = true
    this.#keep(() => false)
  }

  /** Holds those that are `wanted`, no others. */
  #keep(wanted: (held: Held) => boolean): void {
    for (const held of this.#held) if (!wanted(held)) this.#host.heldBytes -= held.message?.bytes ?? 0
    this.#held = this.#held.filter(wanted)
  }

  /** Positions are new before anybody is told, here and below: a listener may end the stream. */
  #advance(last: number, message: PlacedEvent | null): void {
    this.position = last
    if (message) this.#host.deliver(this, message, this.#isHeard(last))
    const from = this.#gapFrom
    if (this.#isOver || from === 0 || this.position < this.#gapTo) return
    this.#gapFrom = 0
    this.#host.report(this, from, this.#gapTo, true)
  }

  #isHeard(position: number): boolean {
    return this.#heard.length > 0 && this.#heard.some(([from, to]) => from < position && position <= to)
  }

  #miss(to: number): void {
    const first = this.#gapFrom
    const from = this.position + 1
    this.position = to
    this.#gapFrom = 0
    if (first > 0 && first < from) this.#host.report(this, first, from - 1, true)
    this.#host.report(this, from, to, false)
  }

  #takeHeld(): void {
    const next = this.#held.shift()
    this.#host.heldBytes -= next?.message?.bytes ?? 0
    if (next && next.last > this.position) this.#advance(next.last, next.message)
  }

  /** Delivers what is held, up to the next hole. */
  #proceed(): void {
    while (!this.#isOver && this.position >= 0 && (this.#held[0]?.first as number) <= this.position + 1)
      this.#takeHeld()
    const [next] = this.#held
    if (this.#isOver) return
    if (!next) {
      this.tries = 0
      return
    }
    if (this.position >= 0 && this.#gapFrom === 0) {
      this.#gapFrom = this.position + 1
      this.#gapTo = next.first - 1
    }
    if (!this.isAsked) this.#host.ask()
  }
}

/** A stream as the server is told of it. */
export function toEntry({ number, position }: Stream): PositionEntry {
  return [number, position]
}
