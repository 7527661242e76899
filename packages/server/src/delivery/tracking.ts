import { LIMITS } from '@roomcast/protocol'
import type { Session } from './session'
import type { Stream } from './stream'

/**
 * That a socket is, or was, in a stream. A message is for it if its position is behind `from`, up to `to`; in terms of when it was
 * emitted ({@link EmitOrder}), behind `since`, up to `until`.
 */
export interface Place {
  readonly stream: Stream
  from: number
  /** Infinity as long as it is in. */
  to: number
  since: number
  until: number
  /** When it came, which may be later than `since`: it was given what it had missed. */
  readonly entered: number
  /** Of the monotonic clock. */
  readonly enteredAt: number
  leftAt: number
}

/** The moment, in the terms of {@link Place}. */
export interface Moment {
  /** Of what was emitted last. */
  readonly order: number
  /** Of the monotonic clock. */
  readonly now: number
}

/** Rooms that a client has joined by itself, or wants to. */
export class ClientRooms {
  /** With what it gave as params. */
  readonly joined = new Map<string, unknown>()
  /** Asked for, and not decided. */
  readonly joining = new Map<string, object>()
  /** Questions whether it may join that are not answered; a room may have been asked for more than once. */
  asked = 0
  /** Rooms without positions that it was taken out of while it was away. */
  readonly leftUntold: string[] = []
}

/** What a socket has to do with streams; most sockets of a server without history have none. */
export class Tracking {
  /** In order of arrival. Those that were left stay until it is certain that the client has heard of it. */
  places: Place[] = []
  /** null if it ends with the link. */
  session: Session | null = null
  /** Rooms that the client asks for by itself; null until the first. */
  client: ClientRooms | null = null
  /** When it was resumed last, by the monotonic clock. */
  resumedAt = Number.NEGATIVE_INFINITY
  private incompleteUntil = Number.NEGATIVE_INFINITY

  /** @param doubtMs  How long something may be on its way until the link is found to be lost. */
  constructor(private readonly doubtMs: number) {}

  /** The place in a stream that the socket is in. */
  placeIn(stream: Stream): Place | undefined {
    return this.places.find((place) => place.stream === stream && isInside(place))
  }

  /** The newest place in the stream of this number. */
  placeOf(streamNumber: number): Place | undefined {
    return this.places.filter(({ stream }) => stream.number === streamNumber).at(-1)
  }

  /**
   * The socket enters a stream.
   *
   * @param from   Position behind which it gets messages.
   * @param since  When the first of them was emitted, at the earliest.
   */
  enter(stream: Stream, { order, now }: Moment, from = stream.top, since = order): void {
    const place = this.placeIn(stream)
    if (place === undefined) {
      const [to, until] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
      this.places.push({ stream, from, to, since, until, entered: order, enteredAt: now, leftAt: 0 })
    } else {
      place.from = Math.min(place.from, from)
      place.since = Math.min(place.since, since)
    }
  }

  /** The socket leaves a stream. @returns Whether it was in it. */
  leave(stream: Stream, { order, now }: Moment): boolean {
    const place = this.placeIn(stream)
    if (place === undefined) return false
    place.to = stream.top
    place.until = order
    place.leftAt = now
    // Only who comes back may have missed what came before.
    const certain = this.session === null ? now : now - this.doubtMs
    this.places = this.places.filter((each) => isInside(each) || each.leftAt > certain)
    if (this.places.filter((each) => !isInside(each)).length > LIMITS.roomsLeftRemembered) {
      this.places.splice(
        this.places.findIndex((each) => !isInside(each)),
        1,
      )
      this.incompleteUntil = now + this.doubtMs
    }
    return true
  }

  /** The client knows of everything that was left before. */
  settle(before: number): void {
    this.places = this.places.filter((place) => isInside(place) || place.leftAt > before)
  }

  /** Whether a place was entered so lately that the client may not have heard of it. */
  isNew({ enteredAt }: Place, now: number): boolean {
    return enteredAt > now - this.doubtMs
  }

  /** Whether something was forgotten that the client may not have received. */
  isIncomplete(now: number): boolean {
    return now < this.incompleteUntil
  }
}

/** Whether a socket is in the stream. */
export function isInside({ to }: Place): boolean {
  return to === Number.POSITIVE_INFINITY
}
